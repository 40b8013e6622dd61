// Bad input that arrives while a good deployment serves: it is refused with its reason, and nothing else notices.
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelDeployments, modelVersions } from '../../../crds/resources.ts';
import { nasBench201 } from '../../../energy/onnx/nas-bench-201.ts';
import { namespaces } from '../../../kube/api/builtins.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { startControlPlane, type TestControlPlane } from '../../support/controller.ts';
import { eventually } from '../../support/eventually.ts';
import { type StubAgent, startStubAgent } from '../../support/stub-agent.ts';

const signal = AbortSignal.timeout(120_000);
const cell = '|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|';
const model = nasBench201(cell, { inputShape: [3, 32, 32], classes: 10, seed: 1 });
const files: Record<string, Uint8Array> = {
  good: model,
  cut: model.subarray(0, 4000),
  page: Buffer.from('<!DOCTYPE html><html></html>'),
};
const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const api = { apiVersion: 'jouleops.dev/v1alpha1' };

describe('bad input beside a good deployment', () => {
  let plane: TestControlPlane;
  let agent: StubAgent;
  let modelStore: string;

  beforeAll(async () => {
    modelStore = await mkdtemp(path.join(os.tmpdir(), 'jouleops-models-'));
    for (const [name, bytes] of Object.entries(files)) await writeFile(path.join(modelStore, name), bytes);
    plane = await startControlPlane({ modelStoreDirectory: modelStore });
    await plane.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'factory' } }, { signal });
    const joinToken = await plane.controller.mintJoinToken({ validSeconds: 600 });
    agent = await startStubAgent({
      name: 'here',
      joinToken,
      status: { architecture: 'x64', powerSources: [] },
      fetchArtifacts: true,
    });
  });
  afterAll(async () => {
    await agent.stop();
    await plane.close();
    await rm(modelStore, { recursive: true, force: true });
  });

  async function declare(name: string, digest: string, placement: object = { deviceClassNames: ['generic-x86-64'] }) {
    const metadata = { name, namespace: 'factory' };
    const variants = [{ name: 'fp32', digest, sources: [{ uri: `store://${name}` }] }];
    const version = { ...api, kind: 'ModelVersion', metadata, spec: { family: name, version: '1.0.0', variants } };
    await plane.client.create(modelVersions, version, { signal });
    const spec = { modelVersionName: name, budget: { energyPerInference: '80mJ' }, placement };
    await plane.client.create(modelDeployments, { ...api, kind: 'ModelDeployment', metadata, spec }, { signal });
  }
  const get = (name: string) => plane.client.get(modelDeployments, { namespace: 'factory', name }, { signal });
  const conditionOf = async (name: string, type: string) => findCondition((await get(name)).status?.conditions, type);

  it('is refused one by one, while the good one goes on serving under the same revision', async () => {
    await declare('good', digestOf(model));
    await eventually(async () => expect(await conditionOf('good', 'Ready')).toMatchObject({ status: 'True' }), 40);
    const before = await get('good');

    await declare('missing', digestOf(Buffer.from('nowhere')));
    await declare('cut', digestOf(files['cut'] ?? model));
    await declare('page', digestOf(files['page'] ?? model));
    for (const name of ['missing', 'cut', 'page'])
      await eventually(async () => {
        expect(await conditionOf(name, 'Ready')).toMatchObject({ status: 'False' });
        expect((await conditionOf(name, 'ModelResolved'))?.message).toContain(name);
      }, 30);

    await declare('elsewhere', digestOf(model), { deviceSelector: { matchLabels: { hall: 'nine' } } });
    await eventually(async () => {
      const placed = await conditionOf('elsewhere', 'Placed');
      expect(placed).toMatchObject({ status: 'False', reason: 'NoFeasibleDevice' });
      expect(placed?.message).toMatch(
        /no device matches placement\.deviceSelector hall=nine \(1 NotSelected\): correct .* or label /,
      );
    }, 30);

    const after = await get('good');
    expect(findCondition(after.status?.conditions, 'Ready')).toEqual(findCondition(before.status?.conditions, 'Ready'));
    expect(after.status?.currentRevision).toBe(before.status?.currentRevision);
    expect([...agent.fetched]).toEqual([digestOf(model)]);
    expect((await fetch(`${plane.controller.webUrl}/readyz`)).status).toBe(200);
  });
});
