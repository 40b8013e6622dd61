import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../../crds/digest.ts';
import { annotations } from '../../../crds/names.ts';
import { edgeDevices, modelDeployments, modelInstances, modelVersions } from '../../../crds/resources.ts';
import { nasBench201 } from '../../../energy/onnx/networks/nas-bench-201.ts';
import { controllerRevisions, namespaces } from '../../../kube/api/builtins.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';
import { expectClaims } from '../../support/callers/claims.ts';
import { type CallRecorder, recordCalls } from '../../support/callers/recorded-call.ts';
import { startControlPlane, type TestControlPlane } from '../../support/controller.ts';
import { eventually } from '../../support/eventually.ts';
import { type StubAgent, type StubModel, startStubAgent } from '../../support/stub-agent.ts';

const signal = AbortSignal.timeout(180_000);
const cell = '|nor_conv_3x3~0|+|nor_conv_3x3~0|skip_connect~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|';
const namespace = 'factory';
const frugal: StubModel = { joules: { value: 0.03, lower: 0.029, upper: 0.031 } };
const greedy: StubModel = { joules: { value: 0.12, lower: 0.115, upper: 0.125 } };

/** One story: what is written, and what the next reader finds. */
describe('rollouts', () => {
  let plane: TestControlPlane;
  let recorder: CallRecorder | undefined;
  let modelStore: string;
  let agents: StubAgent[];
  let behaviour: Record<string, StubModel> = {};

  const joinDevice = async (name: string) =>
    startStubAgent({
      name,
      joinToken: await plane.controller.mintJoinToken({ validSeconds: 600 }),
      status: { architecture: 'x64', powerSources: [{ name: 'meter', kind: 'hwmon', boundary: 'Board' }] },
      behave: (slot) => behaviour[slot.modelVersionName] ?? frugal,
      heartbeatSeconds: 0.2,
    });
  const release = async (name: string, seed: number) => {
    const bytes = nasBench201(cell, { inputShape: [3, 32, 32], classes: 10, seed });
    await writeFile(path.join(modelStore, name), bytes);
    const digest = digestOf(bytes);
    const version = {
      apiVersion: 'jouleops.dev/v1alpha1',
      kind: 'ModelVersion',
      metadata: { name, namespace },
      spec: {
        family: 'nas',
        version: `${seed}.0.0`,
        variants: [{ name: 'fp32', digest, sources: [{ uri: `store://${name}` }] }],
      },
    };
    await plane.client.create(modelVersions, version, { signal });
  };
  const deployment = () => plane.client.get(modelDeployments, { namespace, name: 'cell' }, { signal });
  const slots = async () => {
    const { items } = await plane.client.list(modelInstances, { namespace, signal });
    return Object.fromEntries(
      items.map(({ spec }) => [
        spec.deviceName,
        [spec.active, spec.candidate, spec.previous].map((slot) => slot?.modelVersionName),
      ]),
    );
  };
  const ask = (spec: Record<string, unknown>) =>
    plane.client.patch(modelDeployments, { namespace, name: 'cell' }, { kind: 'merge', body: { spec } }, { signal });
  const becomes = (type: string, status: string, reason: string) =>
    eventually(async () => {
      const { status: is, metadata } = await deployment();
      expect(is?.observedGeneration).toBe(metadata.generation);
      expect(findCondition(is?.conditions, type), JSON.stringify(is?.conditions, undefined, 1)).toMatchObject({ status, reason });
    }, 20);

  beforeAll(async () => {
    modelStore = await mkdtemp(path.join(os.tmpdir(), 'jouleops-models-'));
    plane = await startControlPlane({ modelStoreDirectory: modelStore, lostSeconds: 2 });
    if (plane.apiServer.embedded) recorder = recordCalls(plane.apiServer.embedded.server.port);
    await plane.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { signal });
    agents = [await joinDevice('one'), await joinDevice('two')];
    await release('cell-1', 1);
    await release('cell-2', 2);
    await plane.client.create(
      modelDeployments,
      {
        apiVersion: 'jouleops.dev/v1alpha1',
        kind: 'ModelDeployment',
        metadata: { name: 'cell', namespace },
        spec: { modelVersionName: 'cell-1', budget: { energyPerInference: '80mJ' }, placement: { replicas: 2 } },
      },
      { signal },
    );
  });
  afterAll(async () => {
    recorder?.stop();
    for (const agent of agents) await agent.stop();
    await plane.close();
    await rm(modelStore, { recursive: true, force: true });
  });

  it('tests a first version on one device, then serves it on both', async () => {
    await becomes('Ready', 'True', 'Succeeded');
    expect(await slots()).toEqual({ one: ['cell-1', undefined, undefined], two: ['cell-1', undefined, undefined] });
    await becomes('BudgetRespected', 'True', 'WithinBudget');
    expect((await deployment()).status?.energy).toMatchObject({ measured: '30mJ', budget: '80mJ', verdict: 'WithinBudget' });
  });

  it('rejects a version that measures over the budget, while the old one goes on serving', async () => {
    behaviour = { 'cell-2': greedy };
    await ask({ modelVersionName: 'cell-2' });
    await becomes('Stalled', 'True', 'RevisionRejected');
    expect(await slots()).toEqual({ one: ['cell-1', undefined, undefined], two: ['cell-1', undefined, undefined] });
    await becomes('Available', 'True', 'Succeeded');
    expect((await deployment()).status?.rejectedRevisions).toMatchObject([
      { deviceClassName: 'generic-x86-64', reason: 'BudgetExceededMeasured' },
    ]);
  });

  it('does not try it again after a restart of the controller, nor while Git repeats itself', async () => {
    await plane.restart();
    await eventually(async () => expect((await fetch(`${plane.controller.webUrl}/readyz`)).status).toBe(200));
    await ask({ placement: { replicas: 2, strategy: 'Spread' } });
    await becomes('Stalled', 'True', 'RevisionRejected');
    expect(await slots()).toEqual({ one: ['cell-1', undefined, undefined], two: ['cell-1', undefined, undefined] });
  });

  it('tries it again when a person says so, and keeps the old one to go back to', async () => {
    behaviour = { 'cell-2': frugal };
    const revision = (await deployment()).status?.currentRevision ?? '';
    await plane.client.patch(
      modelDeployments,
      { namespace, name: 'cell' },
      { kind: 'merge', body: { metadata: { annotations: { [annotations.retry]: revision } } } },
      { signal },
    );
    await becomes('Ready', 'True', 'Succeeded');
    expect(await slots()).toEqual({ one: ['cell-2', undefined, 'cell-1'], two: ['cell-2', undefined, 'cell-1'] });
    expect((await deployment()).status).toMatchObject({ lastHandledCommand: `retry=${revision}` });
    const { items } = await plane.client.list(controllerRevisions, { namespace, signal });
    expect(items.map((item) => item.revision).sort((a, b) => a - b)).toEqual([1, 2]);
  });

  it('writes nothing while nothing changes, heartbeats or not', async () => {
    await eventually(async () => {
      plane.writes();
      await systemClock.sleep(1000, signal);
      expect(plane.writes()).toEqual([]);
    }, 15);
  });

  it('counts a silent device as unreachable, and believes it again when it speaks', async () => {
    const [, two] = agents;
    two?.fallSilent();
    await eventually(async () => {
      const device = await plane.client.get(edgeDevices, { name: 'two' }, { signal });
      expect(findCondition(device.status?.conditions, 'Ready')).toMatchObject({ status: 'Unknown', reason: 'AgentUnreachable' });
      expect((await deployment()).status?.devices).toMatchObject({ ready: 1, unreachable: 1 });
    }, 15);
    const { items } = await plane.client.list(modelInstances, { namespace, signal });
    const lost = items.find((item) => item.spec.deviceName === 'two');
    expect(findCondition(lost?.status?.conditions, 'DeviceReachable')).toMatchObject({ status: 'Unknown' });
    expect(lost?.spec.active?.modelVersionName, 'it goes on serving there').toBe('cell-2');
    two?.speakAgain();
    await eventually(async () => expect((await deployment()).status?.devices).toMatchObject({ ready: 2, unreachable: 0 }), 15);
  });

  it('takes its instances off the devices when it is deleted', async () => {
    await plane.client.delete(modelDeployments, { namespace, name: 'cell' }, { signal, propagationPolicy: 'Background' });
    await eventually(async () => {
      expect((await plane.client.list(modelInstances, { namespace, signal })).items).toEqual([]);
      expect(agents.map((agent) => agent.instances.size)).toEqual([0, 0]);
    }, 15);
  });

  it('calls what the embedded server has for controller and agents', (context) => {
    if (recorder === undefined) return context.skip('the calls are those of the embedded server');
    return expectClaims('product', recorder);
  });
});
