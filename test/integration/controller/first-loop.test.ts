import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelDeployment } from '../../../crds/model-deployment.ts';
import type { ModelVersion } from '../../../crds/model-version.ts';
import { edgeDevices, modelDeployments, modelInstances, modelVersions } from '../../../crds/resources.ts';
import { nasBench201 } from '../../../energy/onnx/nas-bench-201.ts';
import { namespaces } from '../../../kube/api/builtins.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';
import { startControlPlane, type TestControlPlane } from '../../support/controller.ts';
import { eventually } from '../../support/eventually.ts';
import { type StubAgent, startStubAgent } from '../../support/stub-agent.ts';

const cell = '|nor_conv_3x3~0|+|nor_conv_3x3~0|skip_connect~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|';
const signal = AbortSignal.timeout(120_000);

describe('from a declaration to an assigned model', () => {
  let plane: TestControlPlane;
  let agent: StubAgent;
  let modelStore: string;
  let digest: string;

  beforeAll(async () => {
    modelStore = await mkdtemp(path.join(os.tmpdir(), 'jouleops-models-'));
    await mkdir(path.join(modelStore, 'nas/1'), { recursive: true });
    const bytes = nasBench201(cell, { inputShape: [3, 32, 32], classes: 10, seed: 1 });
    digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    await writeFile(path.join(modelStore, 'nas/1/model.onnx'), bytes);
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

  it('places a model nobody can predict, tests it, and serves it with BudgetRespected unknown', async () => {
    const version: ModelVersion = {
      apiVersion: 'jouleops.dev/v1alpha1',
      kind: 'ModelVersion',
      metadata: { name: 'nas-1', namespace: 'factory' },
      spec: {
        family: 'nas',
        version: '1.0.0',
        variants: [{ name: 'fp32', digest, sources: [{ uri: 'store://nas/1/model.onnx' }] }],
      },
    };
    const deployment: ModelDeployment = {
      apiVersion: 'jouleops.dev/v1alpha1',
      kind: 'ModelDeployment',
      metadata: { name: 'nas', namespace: 'factory' },
      spec: {
        modelVersionName: 'nas-1',
        budget: { energyPerInference: '80mJ' },
        placement: { replicas: 1, deviceClassNames: ['generic-x86-64'] },
      },
    };
    await plane.client.create(modelDeployments, deployment, { signal });
    await plane.client.create(modelVersions, version, { signal });

    await eventually(async () => {
      const device = await plane.client.get(edgeDevices, { name: 'here' }, { signal });
      expect(device.status?.deviceClassName).toBe('generic-x86-64');
      expect(findCondition(device.status?.conditions, 'Ready')?.status).toBe('True');
    }, 20);
    await eventually(async () => {
      const stored = await plane.client.get(modelVersions, { namespace: 'factory', name: 'nas-1' }, { signal });
      expect(findCondition(stored.status?.conditions, 'Ready')).toMatchObject({ status: 'True' });
      expect(stored.status?.variants?.[0]?.macs).toBeGreaterThan(1e6);
    }, 30);
    const ready = await eventually(async () => {
      const stored = await plane.client.get(modelDeployments, { namespace: 'factory', name: 'nas' }, { signal });
      expect(findCondition(stored.status?.conditions, 'Ready'), JSON.stringify(stored.status, undefined, 1)).toMatchObject({
        status: 'True',
      });
      return stored;
    }, 30);
    expect(findCondition(ready.status?.conditions, 'BudgetAdmitted')).toMatchObject({ status: 'True', reason: 'NoPredictor' });
    expect(findCondition(ready.status?.conditions, 'BudgetRespected')).toMatchObject({
      status: 'Unknown',
      reason: 'NoPowerSource',
    });
    expect(findCondition(ready.status?.conditions, 'Reconciling')).toBeUndefined();
    expect(agent.fetched).toEqual(new Set([digest]));
    const { items } = await plane.client.list(modelInstances, { namespace: 'factory', signal });
    expect(items).toHaveLength(1);
    expect(items[0]?.spec.active).toMatchObject({ digest, variant: 'fp32' });
  });

  it('writes nothing while nothing changes, and nothing after a restart', async () => {
    const settled = async () => {
      plane.writes();
      await systemClock.sleep(1000, signal);
      expect(plane.writes()).toEqual([]);
    };
    await eventually(settled, 15);
    await plane.restart();
    await eventually(async () => {
      const response = await fetch(`${plane.controller.webUrl}/readyz`);
      expect(response.status).toBe(200);
    });
    await systemClock.sleep(1500, signal);
    expect(plane.writes()).toEqual([]);
  });
});
