import { describe, expect, it } from 'vitest';
import { adopt } from '../../../agent/assignment/assignment-watcher.ts';
import { decideAssignment } from '../../../agent/assignment/decide-assignment.ts';
import type { DesiredInstance } from '../../../agent/assignment/desired-state.ts';
import type { EdgeDevice, EdgeDeviceStatus } from '../../../crds/edge-device.ts';
import type { ModelInstance, Slot } from '../../../crds/model-instance.ts';
import type { Stored } from '../../../kube/api/objects.ts';

const known: DesiredInstance = {
  namespace: 'factory',
  name: 'states',
  uid: 'u1',
  generation: 3,
  deviceUid: 'device-1',
  spec: { deviceName: 'a', deploymentName: 'states', deploymentUid: 'd' },
};
const entry = { namespace: 'factory', name: 'states', uid: 'u1', generation: 3 };
const ready = {
  type: 'Ready',
  status: 'True' as const,
  reason: 'AgentReady',
  message: '',
  lastTransitionTime: '2026-01-01T00:00:00Z',
};

const device = (status: EdgeDeviceStatus | undefined, uid = 'device-1'): Stored<EdgeDevice> => ({
  apiVersion: 'jouleops.dev/v1alpha1',
  kind: 'EdgeDevice',
  metadata: { name: 'a', uid, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: {},
  ...(status === undefined ? {} : { status }),
});

describe('what a device makes of its own object', () => {
  it.each([
    ['the object is gone', undefined, 'DeviceGone'],
    ['the object was made anew under the same name', device({ assigned: [], conditions: [ready] }, 'device-2'), 'OtherDevice'],
    ['the object has no status', device(undefined), 'NothingSaid'],
    ['the status holds only what this agent wrote', device({ agentVersion: '0.1.0' }), 'NothingSaid'],
  ])('stops nothing when %s', (_, object, reason) => {
    expect(decideAssignment(object, 'device-1', [known])).toMatchObject({ kind: 'keep', reason });
  });

  it('reads nothing again while generation and uid are the same', () => {
    expect(decideAssignment(device({ assigned: [entry] }), 'device-1', [known])).toEqual({
      kind: 'act',
      read: [],
      stop: [],
      hold: [],
      release: [],
    });
  });

  it.each([
    ['a newer generation', { ...entry, generation: 4 }],
    ['another uid', { ...entry, uid: 'u2' }],
  ])('reads an instance again for %s', (_, changed) => {
    expect(decideAssignment(device({ assigned: [changed] }), 'device-1', [known])).toMatchObject({ read: [changed], stop: [] });
  });

  it('stops what the list of the same device no longer names, also when the controller leaves an empty list out', () => {
    expect(decideAssignment(device({ assigned: [] }), 'device-1', [known])).toMatchObject({ stop: [known] });
    expect(decideAssignment(device({ conditions: [ready] }), 'device-1', [known])).toMatchObject({ stop: [known] });
  });

  it('takes nothing away by a list that is older than one it has seen: a backup was restored', () => {
    const restored = {
      ...device({ assigned: [], conditions: [ready] }),
      metadata: { ...device(undefined).metadata, resourceVersion: '900' },
    };
    expect(decideAssignment(restored, 'device-1', [known], '1000')).toMatchObject({ stop: [], hold: [known], release: [] });
    expect(decideAssignment(restored, 'device-1', [known], '900')).toMatchObject({ stop: [known], hold: [] });
    expect(decideAssignment(restored, 'device-1', [known], '99')).toMatchObject({ stop: [known], hold: [] });
  });

  it('keeps what it held for as long as no list names it, and lets the list decide again afterwards', () => {
    const held = { ...known, held: true as const };
    expect(decideAssignment(device({ assigned: [] }), 'device-1', [held], '1')).toMatchObject({
      stop: [],
      hold: [],
      release: [],
    });
    expect(decideAssignment(device({ assigned: [entry] }), 'device-1', [held], '1')).toMatchObject({ stop: [], release: [held] });
  });

  it('keeps what another EdgeDevice object had assigned', () => {
    const older = { ...known, deviceUid: 'device-0' };
    expect(decideAssignment(device({ assigned: [] }), 'device-1', [older])).toMatchObject({ stop: [] });
  });
});

describe('what a device remembers of an instance that it is told of again', () => {
  const slot: Slot = { revision: 'r1', modelVersionName: 'm', modelVersion: '1', variant: 'fp32', digest: 'sha256:a', size: 1 };
  const stepped: DesiredInstance = {
    ...known,
    spec: { ...known.spec, active: slot },
    lastServed: slot,
    localRollback: { revision: 'r1', reason: 'BudgetExceededMeasured', time: '2026-01-01T00:00:00Z' },
    localStop: true,
    tests: [{ id: 't', kind: 'Absolute', state: 'Completed', windows: 6, windowsDone: 6 }],
  };
  const told = (uid: string, active = slot): Stored<ModelInstance> => ({
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelInstance',
    metadata: { name: 'states', namespace: 'factory', uid, resourceVersion: '9', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { ...known.spec, active },
  });

  it('is its step back and its tests, for as long as the revision stays', () => {
    expect(adopt(stepped, told('u1'), 'device-1')).toMatchObject({ localRollback: { revision: 'r1' }, localStop: true });
    const next = adopt(stepped, told('u1', { ...slot, revision: 'r2' }), 'device-1');
    expect(next).not.toHaveProperty('localRollback');
    expect(next.tests).toHaveLength(1);
  });

  it('is only what served, when the object was made anew under its name', () => {
    const anew = adopt(stepped, told('u2'), 'device-1');
    expect(anew).toMatchObject({ uid: 'u2', lastServed: { revision: 'r1' } });
    for (const other of ['localRollback', 'localStop', 'tests']) expect(anew).not.toHaveProperty(other);
  });
});
