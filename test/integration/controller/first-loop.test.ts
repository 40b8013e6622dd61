import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelDeployment } from '../../../crds/model-deployment.ts';
import { devicesNamespace, deviceUserName } from '../../../crds/names.ts';
import { edgeDevices, modelDeployments, modelInstances, modelVersions } from '../../../crds/resources.ts';
import { leases } from '../../../kube/api/builtins.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';
import type { TestControlPlane } from '../../support/controller.ts';
import { eventually } from '../../support/eventually.ts';
import { type Factory, modelVersion, smallModel, startFactory } from '../../support/factory.ts';

const signal = AbortSignal.timeout(120_000);

describe('from a declaration to an assigned model', () => {
  let factory: Factory;
  let plane: TestControlPlane;
  let digest: string;

  beforeAll(async () => {
    factory = await startFactory({ agents: [{ name: 'here', fetchArtifacts: true }] });
    plane = factory.plane;
    digest = await factory.store('nas/1/model.onnx', smallModel(1));
  });
  afterAll(() => factory.close());

  it('places a model nobody can predict, tests it, and serves it with BudgetRespected unknown', async () => {
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
    const created = await plane.client.create(modelDeployments, deployment, { signal });
    // Flux and kubectl take an object without a status for one that has converged.
    expect(created.status).toEqual({ observedGeneration: 0 });
    await plane.client.create(modelVersions, modelVersion('nas-1', digest, 'nas/1/model.onnx'), { signal });

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
    expect(factory.agents[0]?.fetched).toEqual(new Set([digest]));
    const heartbeat = await plane.client.get(leases, { namespace: devicesNamespace, name: 'here' }, { signal });
    expect(heartbeat.spec).toEqual({
      holderIdentity: deviceUserName('here'),
      leaseDurationSeconds: expect.any(Number),
      renewTime: expect.any(String),
    });
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
