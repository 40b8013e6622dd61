// Numbers that are old, of another place or of another kind never decide.
import { describe, expect, it } from 'vitest';
import type { EnergyReading } from '../../../crds/model-instance.ts';
import { PlannedFleet } from './planned-fleet.ts';

const within = { pi: { joules: [0.03, 0.025, 0.04] as [number, number, number] } };
const reading: EnergyReading = {
  quantity: 'Active',
  boundary: 'Board',
  source: 'meter',
  attribution: 'Exclusive',
  inferences: 500,
  time: '2026-01-01T00:10:00Z',
  value: '30mJ',
  lower: '29mJ',
  upper: '31mJ',
};
const breaching = { ...reading, value: '120mJ', lower: '110mJ', upper: '130mJ' };

function serving(devices: string[], predictions = within): PlannedFleet {
  const fleet = new PlannedFleet({ devices: Object.fromEntries(devices.map((name) => [name, 'pi'])), predictions });
  fleet.settle();
  fleet.ask(fleet.release('cell-2', 'b'));
  fleet.settle();
  return fleet;
}

function measure(fleet: PlannedFleet, readings: Record<string, EnergyReading>): void {
  fleet.instances = fleet.instances.map((instance) => {
    const energy = readings[instance.spec.deviceName];
    const revisions = (instance.status?.revisions ?? []).map((revision) =>
      revision.slot === 'Active' && energy ? { ...revision, energy } : revision,
    );
    return { ...instance, status: { ...instance.status, revisions } };
  });
}

const amount = (fleet: PlannedFleet) => fleet.deployment.status?.classes?.[0]?.amounts[0];

describe('what a lost device measured', () => {
  it('leaves class, headline and verdict, and what a reachable one measures stays', () => {
    const fleet = serving(['pi-1', 'pi-2']);
    measure(fleet, { 'pi-1': { ...reading, value: '50mJ', lower: '49mJ', upper: '51mJ' }, 'pi-2': reading });
    fleet.pass();
    fleet.lose('pi-1');
    fleet.pass();
    expect(amount(fleet)?.measured).toMatchObject({ value: '30mJ' });
    expect(fleet.deployment.status?.energy?.measured).toBe('30mJ');
    fleet.lose('pi-2');
    fleet.pass();
    expect(amount(fleet)?.measured).toBeUndefined();
    expect(fleet.deployment.status?.energy?.measured).toBeUndefined();
    expect(fleet.condition('BudgetRespected')).toMatch(/^Unknown /);
  });

  it('breaks no budget: nothing is rolled back by a number that nobody can measure again', () => {
    const fleet = serving(['pi-1']);
    fleet.lose('pi-1');
    measure(fleet, { 'pi-1': breaching });
    fleet.pass();
    expect(fleet.slots('pi-1')).toMatchObject({ active: 'cell-2' });
    expect(fleet.deployment.status?.rejectedRevisions).toBeUndefined();
  });
});

describe('the verdict of a class', () => {
  it.each([
    ['another boundary', { boundary: 'Package' as const }],
    ['another quantity', { quantity: 'Marginal' as const }],
  ])('is not decided by %s, however far above the budget', (_, other) => {
    const fleet = serving(['pi-1']);
    measure(fleet, { 'pi-1': { ...breaching, ...other } });
    fleet.pass();
    expect(fleet.slots('pi-1')).toMatchObject({ active: 'cell-2' });
    expect(fleet.condition('BudgetRespected')).toBe('Unknown BoundaryMismatch');
    expect(fleet.deployment.status?.rejectedRevisions).toBeUndefined();
  });

  it('is that of the device that measures at its boundary, not of the one beside it', () => {
    const fleet = serving(['pi-1', 'pi-2']);
    measure(fleet, { 'pi-1': { ...breaching, boundary: 'Package' }, 'pi-2': reading });
    fleet.pass();
    expect(fleet.condition('BudgetRespected')).toBe('True WithinBudget');
    expect(amount(fleet)?.measured).toMatchObject({ value: '30mJ' });
  });

  it('is not decided by a reading that stands on too few inferences, or on what others used', () => {
    for (const less of [{ inferences: 3 }, { attribution: 'Shared' as const }]) {
      const fleet = serving(['pi-1']);
      measure(fleet, { 'pi-1': { ...breaching, ...less } });
      fleet.pass();
      expect(fleet.slots('pi-1')).toMatchObject({ active: 'cell-2' });
    }
  });
});

describe('a recalibration', () => {
  it('moves nothing that serves, also when the prediction now lies above the budget', () => {
    const predictions = structuredClone(within);
    const fleet = serving(['pi-1'], predictions);
    const before = fleet.slots('pi-1');
    predictions.pi.joules = [0.3, 0.25, 0.4];
    fleet.settle();
    expect(fleet.condition('BudgetAdmitted')).toBe('False BudgetExceededPredicted');
    expect(fleet.slots('pi-1')).toEqual(before);
    expect(fleet.condition('Available')).toBe('True Succeeded');
    expect(fleet.deployment.status?.rejectedRevisions).toBeUndefined();
  });
});
