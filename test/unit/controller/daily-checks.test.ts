// A core rail is metered in controlled loops alone: what serves there is measured again once a day.
import { describe, expect, it } from 'vitest';
import type { ModelDeploymentSpec } from '../../../crds/model-deployment.ts';
import type { StubModel } from '../../support/stub-agent.ts';
import { PlannedFleet } from './planned-fleet.ts';

const day = 86_400_000;
const costing = (value: number): StubModel => ({ joules: { value, lower: value * 0.99, upper: value * 1.01 } });

/** Serves cell-1, admitted by its prediction alone. */
function serving(spec: Partial<ModelDeploymentSpec> = {}): PlannedFleet {
  const fleet = new PlannedFleet({
    spec: { budget: { energyPerInference: '80mJ', boundary: 'CoreRail' }, ...spec },
    devices: { 'pi-1': 'pi' },
    predictions: { pi: { joules: [0.03, 0.025, 0.04], boundary: 'CoreRail', quantity: 'Marginal' } },
  });
  fleet.behave = () => costing(0.03);
  fleet.settle();
  return fleet;
}

const order = (fleet: PlannedFleet) => fleet.instances[0]?.spec.energyTest;

describe('a budget at the core rail', () => {
  it('is checked again a day after the rollout, and a day after each measurement', () => {
    const fleet = serving();
    expect(order(fleet)).toBeUndefined();
    fleet.now += day - 1000;
    fleet.settle();
    expect(order(fleet)).toBeUndefined();
    expect(fleet.plan().outcome).toMatchObject({ kind: 'requeueAfter', seconds: 1 });

    fleet.now += 1000;
    fleet.settle();
    const first = order(fleet);
    expect(first).toMatchObject({ id: expect.stringMatching(/\.daily-2026-01-02$/) as string, kind: 'Absolute' });
    expect(fleet.condition('BudgetRespected')).toBe('True WithinBudget');
    expect(fleet.condition('Ready')).toMatch(/^True/);
    fleet.now += day / 2;
    fleet.settle();
    expect(order(fleet)).toEqual(first);
    fleet.now += day / 2;
    fleet.settle();
    expect(order(fleet)?.id).toMatch(/\.daily-2026-01-03$/);
  });

  it('that a model has come to break is enforced', () => {
    const fleet = serving();
    fleet.behave = () => costing(0.2);
    fleet.now += day;
    fleet.settle();
    expect(fleet.slots('pi-1')).toEqual({});
    expect(fleet.events).toContain('BudgetExceededMeasured');
  });

  it('is tried again a day later where the device could not measure it', () => {
    const fleet = serving();
    fleet.now += day;
    fleet.settle();
    fleet.reportTests('pi-1', ({ id, kind, windows, windowsDone }) => ({
      id,
      kind,
      windows,
      windowsDone,
      state: 'Aborted',
      reason: 'TooFewWindows',
    }));
    fleet.pass();
    expect(order(fleet)?.id).toMatch(/\.daily-2026-01-02$/);
    fleet.now += day;
    fleet.pass();
    expect(order(fleet)?.id).toMatch(/\.daily-2026-01-03$/);
  });

  it('is left alone on a device that is on hold, or away', () => {
    const held = serving();
    held.changeDevice('pi-1', { hold: true });
    const lost = serving();
    lost.lose('pi-1');
    for (const fleet of [held, lost]) {
      fleet.now += 2 * day;
      fleet.settle();
      expect(order(fleet)).toBeUndefined();
    }
  });

  it('is no test of a candidate: a deployment that compares its successors in place goes on serving', () => {
    const fleet = serving({ rollout: { strategy: 'Recreate', analysis: {} } });
    fleet.now += day;
    fleet.settle();
    expect(order(fleet)?.id).toMatch(/\.daily-2026-01-02$/);
    fleet.pass();
    expect(fleet.condition('RolledOut')).toBe('True Succeeded');
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1' });
  });
});

describe('a budget at the board', () => {
  it('is measured all the time, and checked by no further test', () => {
    const fleet = serving({ budget: { energyPerInference: '80mJ', boundary: 'Board' } });
    const before = order(fleet);
    expect(before?.id).not.toContain('daily');
    fleet.now += 3 * day;
    fleet.settle();
    expect(order(fleet)).toEqual(before);
  });
});
