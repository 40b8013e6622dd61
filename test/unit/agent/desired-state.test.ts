// What an agent makes of a disk that takes no more writes: nothing is done that is not on disk, and nothing is taken for done.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AssignmentWatcher } from '../../../agent/assignment/assignment-watcher.ts';
import { type DesiredInstance, DesiredState } from '../../../agent/assignment/desired-state.ts';
import { type Disk, systemDisk } from '../../../agent/disk/disk.ts';
import { OrderedTests } from '../../../agent/measurement/ordered-tests.ts';
import type { InstanceRunner } from '../../../agent/serving/instance-runner.ts';
import type { RevisionRun } from '../../../agent/serving/revision-run.ts';
import type { EdgeDevice } from '../../../crds/edge-device.ts';
import type { ModelInstance } from '../../../crds/model-instance.ts';
import type { Client } from '../../../kube/api/client.ts';
import type { Stored } from '../../../kube/api/objects.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../support/silent-logger.ts';

const instance = (generation: number): DesiredInstance => ({
  namespace: 'factory',
  name: 'states',
  uid: 'u1',
  generation,
  deviceUid: 'device-1',
  spec: { deviceName: 'a', deploymentName: 'states', deploymentUid: 'd' },
});

let directory: string;
let full: boolean;
let desired: DesiredState;
const disk: Disk = {
  ...systemDisk,
  open: async (file, flags, mode) => {
    if (full && flags === 'wx') throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    return systemDisk.open(file, flags, mode);
  },
};
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-desired-'));
  full = false;
  desired = new DesiredState(directory, disk);
  await desired.open();
});
afterEach(() => rm(directory, { recursive: true }));

const onDisk = async () => {
  const other = new DesiredState(directory);
  await other.open();
  return other;
};

describe('what could not be written', () => {
  it('is as if it had never been said', async () => {
    await desired.put(instance(1));
    full = true;
    await expect(desired.put(instance(2))).rejects.toThrow('ENOSPC');
    expect(desired.get('factory', 'states')?.generation).toBe(1);
    await expect(desired.remove(instance(1))).rejects.toThrow('ENOSPC');
    expect(desired.instances).toHaveLength(1);
  });

  it('takes nothing with it that was said after it and could be written', async () => {
    full = true;
    const first = expect(desired.put(instance(1))).rejects.toThrow('ENOSPC');
    const second = desired.put(instance(2));
    await first;
    full = false;
    await second.catch(() => desired.put(instance(2)));
    expect(desired.get('factory', 'states')?.generation).toBe(2);
    expect((await onDisk()).instances).toEqual([instance(2)]);
  });

  it('holds the device all the same, and is written once there is room', async () => {
    const held = { hold: true, maintenanceWindows: [] };
    full = true;
    await expect(desired.setDevice(held)).rejects.toThrow('ENOSPC');
    expect(desired.device).toEqual(held);
    full = false;
    await desired.setDevice(held);
    expect((await onDisk()).device).toEqual(held);
  });
});

describe('an instance that is assigned, changed or taken away while the disk is full', () => {
  const clock = new FakeClock();
  const told: string[] = [];
  const device = (generation: number | undefined): Stored<EdgeDevice> => ({
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'EdgeDevice',
    metadata: { name: 'a', uid: 'device-1', resourceVersion: `${10 + told.length}`, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {},
    status: {
      assigned: generation === undefined ? [] : [{ namespace: 'factory', name: 'states', uid: 'u1', generation }],
    },
  });

  it.each([
    ['is started once there is room', undefined, 1, 'started 1'],
    ['is changed once there is room', 1, 2, 'started 2'],
    ['is stopped once there is room', 1, undefined, 'stopped'],
  ])('%s', async (_, before, after, said) => {
    told.length = 0;
    if (before !== undefined) await desired.put(instance(before));
    const object: Stored<ModelInstance> = {
      apiVersion: 'jouleops.dev/v1alpha1',
      kind: 'ModelInstance',
      metadata: {
        namespace: 'factory',
        name: 'states',
        uid: 'u1',
        generation: after ?? 1,
        resourceVersion: '5',
        creationTimestamp: '2026-01-01T00:00:00Z',
      },
      spec: instance(1).spec,
    };
    const page = { apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '20' }, items: [device(after)] };
    const client = {
      get: () => Promise.resolve(object as never),
      list: () => Promise.resolve(page as never),
      watch: (_resource, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })),
    } satisfies Partial<Client> as Partial<Client> as Client;
    const stop = new AbortController();
    full = true;
    const watcher = new AssignmentWatcher(
      {
        client,
        clock,
        logger: silentLogger,
        desired,
        onInstance: ({ generation }) => told.push(`started ${generation}`),
        onStopped: () => told.push('stopped'),
        onDevice: () => {},
      },
      { name: 'a', deviceUid: 'device-1' },
    );
    const run = watcher.run(stop.signal);
    await eventually(() => expect(clock.sleeping).toBeGreaterThan(0));
    await clock.advance(5000);
    expect(told).toEqual([]);
    full = false;
    await eventually(async () => {
      await clock.advance(20_000);
      expect(told).toEqual([said]);
    });
    stop.abort();
    await run.catch(() => {});
  });
});

it('the result of a test that a full disk refused is kept and told once there is room', async () => {
  const clock = new FakeClock();
  const slot = {
    revision: 'states-1',
    modelVersionName: 'states-1',
    modelVersion: '1',
    variant: 'fp32',
    digest: 'sha256:a',
    size: 1,
  };
  const energyTest = { id: 't1', kind: 'Baseline', windows: 6 } as never;
  const ordered: DesiredInstance = { ...instance(1), spec: { ...instance(1).spec, active: slot, energyTest } };
  await desired.put(ordered);
  const revision = { slot, samples: [], served: { slot, model: { inputs: [] } } as never };
  const runner: Partial<InstanceRunner> = {
    instance: ordered,
    revision: () => revision as Partial<RevisionRun> as RevisionRun,
  };
  let isTold = false;
  const onChange = () => {
    isTold = true;
  };
  const deps = { clock, logger: silentLogger, desired, book: {}, test: { clock }, onChange };
  full = true;
  const tests = new OrderedTests(runner as InstanceRunner, deps as never, new AbortController().signal);
  tests.follow(); // it fails at once, for want of anything to measure with
  await eventually(() => expect(clock.sleeping).toBe(1));
  expect([isTold, desired.get('factory', 'states')?.tests]).toEqual([false, undefined]);
  full = false;
  await clock.advance(10_000);
  await eventually(() => expect(isTold).toBe(true));
  expect((await onDisk()).get('factory', 'states')?.tests).toMatchObject([{ id: 't1', state: 'Aborted', reason: 'Failed' }]);
});
