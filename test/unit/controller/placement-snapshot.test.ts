// What people and devices write passes a schema, and may still be no number that can be counted with: one pass places everything.
import { describe, expect, it } from 'vitest';
import { cacheIndexers } from '../../../controller/caches.ts';
import { Estimator } from '../../../controller/estimate/estimator.ts';
import { schedule } from '../../../controller/placement/scheduling/schedule.ts';
import { type SnapshotSources, takeSnapshot } from '../../../controller/placement/snapshot.ts';
import type { DeviceClass } from '../../../crds/device-class.ts';
import type { EdgeDevice } from '../../../crds/edge-device.ts';
import type { ModelDeployment } from '../../../crds/model-deployment.ts';
import type { ModelVersion } from '../../../crds/model-version.ts';
import type { Condition, Stored } from '../../../kube/api/objects.ts';
import { Store } from '../../../kube/cache/store.ts';

const time = '2026-01-01T00:00:00Z';
const ready: Condition = { type: 'Ready', status: 'True', reason: 'Succeeded', message: '', lastTransitionTime: time };
const digest = `sha256:${'0'.repeat(64)}`;

function named(kind: string, name: string, namespace?: string) {
  const metadata = { name, uid: name, resourceVersion: '1', creationTimestamp: time, ...(namespace ? { namespace } : {}) };
  return { apiVersion: 'jouleops.dev/v1alpha1', kind, metadata };
}

const device = (name: string, status: EdgeDevice['status'], spec: EdgeDevice['spec'] = {}): Stored<EdgeDevice> => ({
  ...named('EdgeDevice', name),
  spec,
  status: { deviceClassName: 'pi', conditions: [ready], ...status },
});

/** Two deployments, of which the second asks for nothing special. */
function place(devices: Stored<EdgeDevice>[], requirements: ModelDeployment['spec']['requirements'] = {}) {
  const classes = new Store<DeviceClass>();
  const idlePower = [{ boundary: 'Board' as const, value: '3W', source: 'test', date: '2026-01-01' }];
  classes.put({ ...named('DeviceClass', 'pi'), spec: { idlePower } });
  const versions = new Store<ModelVersion>();
  const variant = { name: 'fp32', digest, sources: [] };
  versions.put({
    ...named('ModelVersion', 'm', 'n'),
    spec: { family: 'm', version: '1', variants: [variant] },
    status: { conditions: [ready], variants: [{ name: 'fp32', digest }] },
  });
  const deployments = new Store<ModelDeployment>(cacheIndexers.deployments);
  for (const name of ['first', 'second'])
    deployments.put({
      ...named('ModelDeployment', name, 'n'),
      spec: {
        modelVersionName: 'm',
        budget: { energyPerInference: '80mJ' },
        placement: { mode: 'EveryDevice' },
        ...(name === 'first' ? { requirements } : {}),
      },
    });
  const store = new Store<EdgeDevice>(cacheIndexers.devices);
  for (const one of devices) store.put(one);
  const sources: SnapshotSources = {
    deployments,
    versions,
    classes,
    devices: store,
    instances: new Store(cacheIndexers.instances),
    revisions: new Store(cacheIndexers.revisions),
    estimator: new Estimator({
      analysisOf: () => undefined,
      predictorsOf: () => [],
      classOf: (name) => classes.get(name),
    }),
    liveness: { judge: () => ({ kind: 'alive', recheckSeconds: 1 }) },
  };
  return Object.fromEntries(schedule(takeSnapshot(sources)).map((decision) => [decision.deploymentUid, decision]));
}

describe('one pass for the whole fleet', () => {
  it.each(['1e99', '100Pi', '9Ei'])('is not ended by a deployment that asks for %s of memory', (memory) => {
    const { first, second } = place([device('a', { allocatable: { memory: '4Gi' } })], { memory });
    expect(first?.candidates).toMatchObject([{ verdict: 'InsufficientMemory' }]);
    expect(second?.chosen).toEqual(['a']);
  });

  it('is not ended by a device that claims more memory than can be counted', () => {
    const { first } = place([device('a', { allocatable: { memory: '9E', storage: '1e60' } }), device('b', {})]);
    expect(first?.chosen).toEqual(['a', 'b']);
  });

  it.each(['0W', '-0.02W'])('is not ended by a device whose meter sees %s of the idle board: its class says it then', (value) => {
    const idlePower = [{ boundary: 'Board' as const, value, source: 'meter', time }];
    const { first } = place([device('a', { idlePower }, { powerCap: '10W' }), device('b', {})]);
    expect(first?.chosen).toEqual(['b']);
    expect(first?.candidates.find(({ deviceName }) => deviceName === 'a')?.message).toContain('cap of 10W');
  });
});
