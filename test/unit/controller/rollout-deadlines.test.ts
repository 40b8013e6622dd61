// How long a deployment is waited for: from the last thing that moved, however old the deployment is.
import { describe, expect, it } from 'vitest';
import type { ModelVersion } from '../../../crds/model-version.ts';
import { annotations } from '../../../crds/names.ts';
import type { Stored } from '../../../kube/api/objects.ts';
import type { StubModel } from '../../support/stub-agent.ts';
import { PlannedFleet } from './planned-fleet.ts';

const day = 86_400_000;
const predictions = { pi: { joules: [0.03, 0.025, 0.04] as [number, number, number] } };
const good: StubModel = { joules: { value: 0.03, lower: 0.0297, upper: 0.0303 } };

/** Serves cell-1 on all of them since three days. */
function old(rollout = {}, names: readonly string[] = ['pi-1', 'pi-2']): PlannedFleet {
  const fleet = new PlannedFleet({
    spec: { rollout },
    devices: Object.fromEntries(names.map((name) => [name, 'pi'])),
    predictions,
  });
  fleet.behave = () => good;
  fleet.settle();
  fleet.now += 3 * day;
  fleet.settle();
  return fleet;
}

function notReady(fleet: PlannedFleet): Stored<ModelVersion> {
  const version = fleet.release('cell-2', 'b');
  return {
    ...version,
    metadata: { ...version.metadata, creationTimestamp: new Date(fleet.now).toISOString() },
    status: { ...version.status, conditions: [] },
  };
}

describe('a deployment that is older than its progress deadline', () => {
  it('waits for a model version that is still being fetched, and stalls a deadline later', () => {
    const fleet = old();
    fleet.ask(notReady(fleet));
    fleet.settle();
    expect(fleet.condition('Stalled')).toBeUndefined();
    expect(fleet.condition('Reconciling')).toBe('True ModelVersionNotReady');
    fleet.now += day - 60_000;
    fleet.pass();
    expect(fleet.condition('Stalled')).toBeUndefined();
    fleet.now += 120_000;
    fleet.pass();
    expect(fleet.condition('Stalled')).toBe('True ProgressDeadlineExceeded');
  });

  it('waits for a device when it has lost all of them', () => {
    const fleet = old();
    fleet.instances = [];
    fleet.settle();
    expect(fleet.condition('Placed')).toBe('False NoFeasibleDevice');
    expect(fleet.condition('Stalled')).toBeUndefined();
    fleet.now += day + 60_000;
    fleet.pass();
    expect(fleet.condition('Stalled')).toBe('True ProgressDeadlineExceeded');
  });

  it('waits for a device that has only just joined', () => {
    const fleet = old();
    fleet.join('pi-3', 'pi');
    fleet.pass();
    fleet.pass();
    expect(fleet.condition('RolledOut')).toBe('False Progressing');
    expect(fleet.condition('Stalled')).toBeUndefined();
    fleet.now += day + 60_000;
    fleet.pass();
    expect(fleet.condition('Stalled')).toBe('True ProgressDeadlineExceeded');
  });
});

describe('a candidate whose devices could not be changed for longer than its deadline', () => {
  it('is tested when their maintenance window opens: that time was not theirs', () => {
    const fleet = old({ analysis: {} });
    for (const name of ['pi-1', 'pi-2']) fleet.changeDevice(name, { hold: true });
    fleet.ask(fleet.release('cell-2', 'b'));
    fleet.pass();
    fleet.now += 3 * day;
    fleet.pass();
    expect(fleet.condition('RolledOut')).toBe('False Testing');
    for (const name of ['pi-1', 'pi-2']) fleet.changeDevice(name, {});
    fleet.pass();
    fleet.settle();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-2', previous: 'cell-1' });
    expect(fleet.condition('Ready')).toBe('True Succeeded');
  });

  it('is late a deadline after the window has opened', () => {
    const fleet = old({ analysis: {} });
    for (const name of ['pi-1', 'pi-2']) fleet.changeDevice(name, { hold: true });
    fleet.ask(fleet.release('cell-2', 'b'));
    fleet.pass();
    fleet.now += 3 * day;
    for (const name of ['pi-1', 'pi-2']) fleet.changeDevice(name, {});
    fleet.pass();
    fleet.now += day - 60_000;
    fleet.pass();
    expect(fleet.condition('RolledOut')).toBe('False Testing');
    fleet.now += 120_000;
    fleet.pass();
    expect(fleet.condition('RolledOut')).toBe('False Inconclusive');
  });

  it('is tested when the deployment is no longer suspended', () => {
    const fleet = old({ analysis: {} });
    fleet.ask(fleet.release('cell-2', 'b'));
    fleet.pass();
    fleet.edit({ suspend: true });
    fleet.pass();
    fleet.now += 3 * day;
    fleet.pass();
    fleet.edit({ suspend: false });
    fleet.settle();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-2', previous: 'cell-1' });
    expect(fleet.condition('Ready')).toBe('True Succeeded');
  });

  it('is tested when they answer again', () => {
    const fleet = old({ analysis: {} });
    fleet.ask(fleet.release('cell-2', 'b'));
    fleet.pass();
    for (const name of ['pi-1', 'pi-2']) fleet.lose(name);
    fleet.settle();
    fleet.now += 3 * day;
    fleet.settle();
    for (const name of ['pi-1', 'pi-2']) fleet.answer(name);
    fleet.settle();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-2', previous: 'cell-1' });
    expect(fleet.condition('Ready')).toBe('True Succeeded');
  });
});

describe('a retry', () => {
  it('orders tests of its own: what failed then is not judged again', () => {
    const fleet = old({ analysis: {} }, ['pi-1']);
    fleet.behave = (slot) =>
      slot.modelVersionName === 'cell-2' ? { joules: { value: 0.06, lower: 0.059, upper: 0.061 } } : good;
    fleet.ask(fleet.release('cell-2', 'b'));
    const ids = new Set<string>();
    const run = () => {
      for (let round = 0; round < 12; round++) {
        fleet.pass();
        const { energyTest, trafficTest } = fleet.instances[0]?.spec ?? {};
        for (const order of [energyTest, trafficTest]) if (order) ids.add(order.id);
        fleet.report();
      }
    };
    run();
    expect(fleet.condition('Stalled')).toBe('True RevisionRejected');
    const failed = [...ids];
    expect(failed).toHaveLength(2);
    ids.clear();
    fleet.annotate({ [annotations.retry]: fleet.deployment.status?.currentRevision ?? '' });
    run();
    expect([...ids].filter((id) => failed.includes(id))).toEqual([]);
    expect(ids.size).toBe(2);
  });

  it('is not decided by what a device reported of the attempt before', () => {
    const fleet = old({ analysis: {} }, ['pi-1']);
    fleet.behave = (slot) => (slot.modelVersionName === 'cell-2' ? { failure: { reason: 'LoadFailed', message: 'no' } } : good);
    fleet.ask(fleet.release('cell-2', 'b'));
    for (let round = 0; round < 9 && fleet.condition('Stalled') === undefined; round++) {
      fleet.report();
      fleet.pass();
    }
    expect(fleet.condition('Stalled')).toBe('True RevisionRejected');
    // The last report is the failure: the device has not spoken since.
    fleet.behave = () => good;
    fleet.annotate({ [annotations.retry]: fleet.deployment.status?.currentRevision ?? '' });
    fleet.pass();
    fleet.pass();
    expect(fleet.condition('RolledOut')).toBe('False Testing');
    fleet.settle();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-2', previous: 'cell-1' });
  });
});
