// A real upstream: MLServer holds the models, the agent has it load them, forwards requests, and has it unload them again.
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld, fixtures, type RunningAgent, type World } from '../../integration/agent/world.ts';
import { eventually } from '../../support/eventually.ts';
import { findPeer, type Peer, startPeer } from '../../support/open-inference/peer.ts';

const python = await findPeer();
const runtime = { engine: 'OpenInferenceUpstream', upstreamName: 'peer' } as const;

describe.skipIf(python === undefined)('a model on MLServer', () => {
  let world: World;
  let peer: Peer;
  let agent: RunningAgent;
  beforeAll(async () => {
    const file = path.join(fixtures, 'classifier.onnx');
    peer = await startPeer(python ?? '', [{ name: 'states-1', file, version: '1' }], { empty: true });
    world = await createWorld();
    agent = await world.startAgent({ grpcPort: 0, upstreams: [{ name: 'peer', url: peer.url }] });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await peer[Symbol.asyncDispose]();
  });
  const readyAtPeer = async () => (await fetch(`${peer.url}/v2/models/states-1/ready`)).status;

  test('is loaded when it is assigned, answers through the agent, and is unloaded when it is taken away', async () => {
    expect(await readyAtPeer()).not.toBe(200);
    const slot = await world.slot('classifier.onnx', 'r1', {
      modelVersionName: 'states-1',
      runtime,
      classLabels: ['a', 'b', 'c'],
    });
    await world.assign('device-a', 'states', { active: slot });
    await eventually(async () => expect((await fetch(`${agent.url}/v2/models/states/ready`)).status).toBe(200), 30);
    expect(await readyAtPeer()).toBe(200);

    const [there, here] = [await classify(peer.url, 'states-1'), await classify(agent.url, 'states')];
    const dataOf = ({ body }: typeof here) => (body['outputs'] as [{ data: number[] }])[0].data;
    expect(here.status).toBe(200);
    expect(dataOf(here)).toEqual(dataOf(there));
    expect(await classify(agent.url, 'states', [1, 2, 3, 4, 5])).toEqual({
      status: 400,
      body: { error: expect.stringContaining('the model takes') as string },
    });
    const metadata = (await (await fetch(`${agent.url}/v2/models/states`)).json()) as Record<string, unknown>;
    expect(metadata).toMatchObject({ name: 'states', inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }] });

    await world.unassign('device-a');
    await eventually(async () => expect(await readyAtPeer()).not.toBe(200), 30);
  });
});

/** MLServer reads JSON only where the request says that it is some. */
async function classify(url: string, model: string, values: readonly number[] = [1, 2, 3, 4]) {
  const response = await fetch(`${url}/v2/models/${model}/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, values.length], data: values }] }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
