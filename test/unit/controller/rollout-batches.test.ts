// Devices that come, go, wait or give a test up while a rollout is under way.
import { describe, expect, it } from 'vitest';
import { serves } from '../../../controller/model-deployment/scope.ts';
import type { ModelDeploymentSpec } from '../../../crds/model-deployment.ts';
import { annotations } from '../../../crds/names.ts';
import type { StubModel } from '../../support/stub-agent.ts';
import { PlannedFleet } from './planned-fleet.ts';

const predictions = { pi: { joules: [0.03, 0.025, 0.04] as [number, number, number] } };
const good: StubModel = { joules: { value: 0.03, lower: 0.0297, upper: 0.0303 } };
type Rollout = NonNullable<ModelDeploymentSpec['rollout']>;

/** Serves cell-1 everywhere and is asked for cell-2. */
function upgrading(rollout: Rollout, names: readonly string[] = ['pi-1', 'pi-2', 'pi-3']): PlannedFleet {
  const devices = Object.fromEntries(names.map((name) => [name, 'pi']));
  const fleet = new PlannedFleet({ spec: { rollout }, devices, predictions });
  fleet.behave = () => good;
  fleet.settle();
  while (fleet.condition('RolledOut') === 'False AwaitingPromotion') {
    fleet.annotate({ [annotations.promote]: `${fleet.deployment.status?.currentRevision}/0` });
    fleet.settle();
  }
  fleet.ask(fleet.release('cell-2', 'b'));
  return fleet;
}
const actives = (fleet: PlannedFleet) => [...fleet.devices.keys()].map((name) => fleet.slots(name).active);

describe('a device that joins while a rollout is under way', () => {
  it('serves what its class serves until its batch comes, then the new revision', () => {
    const fleet = upgrading({ steps: [{ devices: 1, gate: 'Manual' }, { percent: 100 }] });
    fleet.settle();
    expect(actives(fleet)).toEqual(['cell-2', 'cell-1', 'cell-1']);
    fleet.join('pi-0', 'pi');
    fleet.settle();
    expect(fleet.slots('pi-0')).toEqual({ active: 'cell-1' });
    expect(fleet.slots('pi-1').active, 'the batch stays the device that has it').toBe('cell-2');
    fleet.annotate({ [annotations.promote]: `${fleet.deployment.status?.currentRevision}/0` });
    fleet.settle();
    expect(new Set(actives(fleet))).toEqual(new Set(['cell-2']));
  });

  it('serves the old revision while the new one is tested, and for good when that is rejected', () => {
    const fleet = upgrading({ analysis: {} }, ['pi-1']);
    fleet.pass();
    fleet.join('pi-2', 'pi');
    fleet.behave = (slot) => (slot.modelVersionName === 'cell-2' ? { ...good, errors: 200 } : good);
    fleet.settle();
    expect(actives(fleet)).toEqual(['cell-1', 'cell-1']);
    expect(fleet.condition('Stalled')).toBe('True RevisionRejected');
    fleet.join('pi-3', 'pi');
    fleet.settle();
    expect(fleet.slots('pi-3'), 'also when it comes after the verdict').toEqual({ active: 'cell-1' });
  });
});

describe('a device that was away while its class moved on', () => {
  /** cell-2 is rolled out without pi-2, which comes back when cell-3 has failed already. */
  function leftBehind(): PlannedFleet {
    const fleet = upgrading({ analysis: {} }, ['pi-1', 'pi-2']);
    const back = fleet.devices.get('pi-2');
    fleet.lose('pi-2');
    fleet.settle();
    expect(fleet.condition('RolledOut')).toBe('True Succeeded');
    fleet.behave = (slot) => (slot.modelVersionName === 'cell-3' ? { ...good, errors: 200 } : good);
    fleet.ask(fleet.release('cell-3', 'c'));
    fleet.settle();
    if (back) fleet.devices.set('pi-2', back);
    return fleet;
  }

  it('gets what its class serves, though the revision that is asked for is rejected', () => {
    const fleet = leftBehind();
    fleet.settle();
    expect(actives(fleet)).toEqual(['cell-2', 'cell-2']);
    expect(fleet.slots('pi-2')).toEqual({ active: 'cell-2', previous: 'cell-1' });
  });

  it('is not given what was superseded half-way', () => {
    const fleet = upgrading({ steps: [{ devices: 1, gate: 'Manual' }, { percent: 100 }] }, ['pi-1', 'pi-2']);
    fleet.settle();
    expect(actives(fleet)).toEqual(['cell-2', 'cell-1']);
    fleet.behave = (slot) => (slot.modelVersionName === 'cell-3' ? { failure: { reason: 'LoadFailed', message: 'no' } } : good);
    fleet.ask(fleet.release('cell-3', 'c'));
    fleet.settle();
    expect(fleet.condition('Stalled')).toBe('True RevisionRejected');
    expect(actives(fleet), 'nobody has opened that gate').toEqual(['cell-2', 'cell-1']);
  });

  it('does not keep a candidate that nobody tests any more', () => {
    const fleet = upgrading({ analysis: {} }, ['pi-1', 'pi-2']);
    fleet.pass();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1', candidate: 'cell-2' });
    fleet.lose('pi-1');
    fleet.ask(fleet.release('cell-3', 'c'));
    fleet.pass();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1' });
    expect(fleet.slots('pi-2')).toEqual({ active: 'cell-1', candidate: 'cell-3' });
  });
});

describe('a revision that every one of twelve classes rejects', () => {
  it('stays rejected on all of them: none is forgotten and tried again for ever', () => {
    const classes = Array.from({ length: 12 }, (_, index) => `class-${index}`);
    const fleet = new PlannedFleet({
      spec: { rollout: { analysis: {} } },
      devices: Object.fromEntries(classes.map((name) => [`on-${name}`, name])),
      predictions: Object.fromEntries(classes.map((name) => [name, predictions.pi])),
    });
    fleet.behave = (slot) => (slot.modelVersionName === 'cell-2' ? { ...good, errors: 200 } : good);
    fleet.settle();
    fleet.ask(fleet.release('cell-2', 'b'));
    fleet.settle();
    expect(fleet.events.filter((reason) => reason === 'ErrorsExceeded')).toHaveLength(12);
    expect(new Set(actives(fleet))).toEqual(new Set(['cell-1']));
  });
});

describe('bytes that are damaged on their way', () => {
  it.each(['DigestMismatch', 'SizeMismatch', 'DownloadFailed'])('%s is no verdict on the model', (reason) => {
    const fleet = upgrading({ analysis: {} }, ['pi-1']);
    fleet.behave = (slot) => (slot.modelVersionName === 'cell-2' ? { failure: { reason, message: 'nothing was kept' } } : good);
    fleet.settle();
    expect(fleet.condition('RolledOut')).toBe('False Testing');
    expect(fleet.deployment.status?.rejectedRevisions).toBeUndefined();
    fleet.behave = () => good;
    fleet.settle();
    expect(fleet.slots('pi-1').active).toBe('cell-2');
  });
});

describe('a test that a device gives up', () => {
  const giveUp = (fleet: PlannedFleet, reason: string) =>
    fleet.reportTests('pi-1', (test) =>
      test.kind === 'Paired' ? { ...test, state: 'Aborted', reason, message: 'the model ended', windowsDone: 2 } : test,
    );
  const orderOf = (fleet: PlannedFleet) => fleet.instances[0]?.spec.energyTest?.id ?? '';

  function abandoned(reason: string): { fleet: PlannedFleet; first: string } {
    const fleet = upgrading({ analysis: {} }, ['pi-1']);
    while (orderOf(fleet) === '') {
      fleet.pass();
      fleet.report();
    }
    giveUp(fleet, reason);
    const first = orderOf(fleet);
    fleet.pass();
    return { fleet, first };
  }

  it('is ordered again under another name after a minute, and counts then', () => {
    const { fleet, first } = abandoned('Failed');
    expect(orderOf(fleet)).toBe(first);
    fleet.now += 61_000;
    fleet.pass();
    fleet.pass();
    expect(orderOf(fleet)).toBe(`${first}.1`);
    expect(fleet.instances[0]?.spec.trafficTest?.id, 'live requests need not be compared again').toMatch(/\.traffic$/);
    fleet.settle();
    expect(fleet.slots('pi-1').active).toBe('cell-2');
  });

  it('is not ordered again when it has used up its windows: a person is asked', () => {
    const { fleet, first } = abandoned('TooFewWindows');
    expect(fleet.condition('RolledOut')).toBe('False Inconclusive');
    fleet.now += 3_600_000;
    fleet.pass();
    expect(orderOf(fleet)).toBe(first);
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1', candidate: 'cell-2' });
  });
});

describe('devices that cannot be changed now', () => {
  it('are pending when they are offline, and are brought up to date when they answer', () => {
    const fleet = upgrading({ steps: [{ percent: 34 }, { percent: 100 }] });
    const back = fleet.devices.get('pi-1');
    fleet.lose('pi-1');
    fleet.settle();
    expect(actives(fleet)).toEqual(['cell-1', 'cell-2', 'cell-2']);
    expect(fleet.condition('RolledOut')).toBe('True Succeeded');
    expect(fleet.deployment.status?.devices).toMatchObject({ ready: 2, unreachable: 1 });
    if (back) fleet.devices.set('pi-1', back);
    fleet.settle();
    expect(fleet.deployment.status?.devices).toMatchObject({ ready: 3, unreachable: 0 });
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-2', previous: 'cell-1' });
  });

  it('waits for minimumDevices to have answered before a batch counts', () => {
    const fleet = upgrading({ minimumDevices: 2, steps: [{ devices: 2 }, { percent: 100 }] });
    fleet.lose('pi-1');
    fleet.lose('pi-2');
    fleet.settle();
    expect(fleet.condition('RolledOut')).toBe('False Progressing');
    expect(fleet.deployment.status?.conditions?.find(({ type }) => type === 'RolledOut')?.message).toContain('minimumDevices');
  });

  it('are not late while they are on hold, and the test goes to a device that is not', () => {
    const fleet = upgrading({ analysis: {}, progressDeadlineSeconds: 600 }, ['pi-1', 'pi-2']);
    fleet.changeDevice('pi-1', { hold: true });
    fleet.pass();
    expect([fleet.slots('pi-1').candidate, fleet.slots('pi-2').candidate]).toEqual([undefined, 'cell-2']);
  });

  it('stalls at the deadline when a device that answers does not get there, and says which', () => {
    const fleet = upgrading({ progressDeadlineSeconds: 600 }, ['pi-1', 'pi-2']);
    const silent = () => {
      fleet.instances = fleet.instances.map((instance) =>
        instance.spec.deviceName === 'pi-2' ? { ...instance, status: { ...instance.status, revisions: [] } } : instance,
      );
    };
    for (let round = 0; round < 4; round++) {
      fleet.pass();
      fleet.report();
      silent();
    }
    fleet.now += 601_000;
    fleet.pass();
    expect(fleet.condition('Stalled')).toBe('True ProgressDeadlineExceeded');
    expect(fleet.deployment.status?.conditions?.find(({ type }) => type === 'Stalled')?.message).toContain('pi-2 has not begun');
    expect(fleet.condition('Available')).toBe('True Succeeded');
  });
});

describe('strategy Recreate', () => {
  it('never leaves more devices without an answer than maximumUnavailable', () => {
    const fleet = upgrading({ strategy: 'Recreate', maximumUnavailable: 1 });
    let most = 0;
    for (let round = 0; round < 12; round++) {
      fleet.pass();
      const silent = fleet.instances.filter(
        (instance) => !serves({ instance, reachable: true, slots: instance.spec }, instance.spec.active),
      ).length;
      most = Math.max(most, silent);
      fleet.report();
    }
    expect(most).toBe(1);
    expect(new Set(actives(fleet))).toEqual(new Set(['cell-2']));
  });
});
