import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assignAll } from '../../bench/harness/real-agent.ts';
import { createWorld, type RunningAgent, type World } from '../../integration/agent/world.ts';
import { findPython } from '../../support/clients/available.ts';
import { runCommand } from '../../support/clients/command.ts';
import { eventually } from '../../support/eventually.ts';

const folder = import.meta.dirname;
const python = await findPython(join(folder, 'requirements.txt'));

describe.skipIf(python === undefined)('clients of the Open Inference Protocol from PyPI, against an agent', () => {
  let world: World;
  let agent: RunningAgent;
  /** On another address than loopback. */
  let guarded: RunningAgent;
  beforeAll(async () => {
    world = await createWorld();
    agent = await world.startAgent({ grpcPort: 0 });
    const states = await world.slot('classifier.onnx', 'r1', { classLabels: ['a', 'b', 'c'] });
    await world.assign('device-a', 'states', { active: states });
    await world.assign('device-a', 'types', { active: await world.slot('types.onnx', 'r1') });
    await assignAll(world, 'device-a', ['states', 'types']);
    guarded = await world.startAgent({ name: 'device-b', host: '127.0.0.2', grpcPort: 0 });
    await world.assign('device-b', 'states-b', { active: states, deploymentName: 'states' });
    await eventually(async () => expect((await world.instance('states-b')).status?.phase).toBe('Serving'));
    for (const model of ['states', 'types'])
      await eventually(async () => expect((await fetch(`${agent.url}/v2/models/${model}/ready`)).status).toBe(200));
  });
  afterAll(() => world[Symbol.asyncDispose]());

  test.each([
    ['tritonclient, over HTTP and gRPC', 'triton_tour'],
    ['kserve, over REST and gRPC', 'kserve_tour'],
  ])('%s finishes its tour', async (_, module) => {
    const environment = {
      OIP_HTTP: new URL(agent.url).host,
      OIP_GRPC: agent.readiness.grpc ?? '',
      OIP_TLS_HTTP: new URL(guarded.url).host,
      OIP_TLS_GRPC: guarded.readiness.grpc ?? '',
      OIP_CA: join(guarded.options.dataDirectory, 'serving/certificate.pem'),
      OIP_TOKEN_FILE: join(guarded.options.dataDirectory, 'access-token'),
      PYTHONDONTWRITEBYTECODE: '1',
    };
    const tour = await runCommand(python ?? '', ['-m', 'unittest', '-v', module], { directory: folder, environment });
    expect(tour.code, tour.stderr).toBe(0);
    const declared = (await readFile(join(folder, `${module}.py`), 'utf8')).match(/(?<=def )test_\w+/g) ?? [];
    const passed = new Set(tour.stderr.match(/(?<=^)test_\w+(?= .*\.\.\. ok$)/gm));
    expect([...passed].toSorted()).toEqual([...new Set(declared)].toSorted());
  });
});
