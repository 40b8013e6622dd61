import { describe, expect, it } from 'vitest';
import { annotations } from '../../../crds/names.ts';
import type { StubModel } from '../../support/stub-agent.ts';
import { PlannedFleet } from './planned-fleet.ts';

const predictions = { pi: { joules: [0.03, 0.025, 0.04] as [number, number, number] } };
const model = (joules: number, more: StubModel = {}): StubModel => ({
  joules: { value: joules, lower: joules * 0.99, upper: joules * 1.01 },
  ...more,
});

/** A fleet that serves cell-1 and is asked for cell-2, which behaves as told. */
function upgrading(candidate: StubModel, rollout: object = {}, devices: Record<string, string> = { 'pi-1': 'pi' }): PlannedFleet {
  const fleet = new PlannedFleet({ spec: { rollout: { analysis: {}, ...rollout } }, devices, predictions });
  fleet.behave = (slot) => (slot.modelVersionName === 'cell-2' ? candidate : model(0.03));
  fleet.settle();
  fleet.ask(fleet.release('cell-2', 'b'));
  return fleet;
}

describe('a successor beside what serves, where rollout.analysis is declared', () => {
  it('is compared on live requests first, then in a paired energy loop', () => {
    const fleet = upgrading(model(0.03), { analysis: { minimumAgreementPermille: 900 } });
    fleet.pass();
    expect(fleet.instances[0]?.spec).toMatchObject({
      candidateSharePercent: 10,
      trafficTest: { windowSeconds: 300, minimumInferences: 200, compareAnswers: true },
    });
    expect(fleet.instances[0]?.spec.energyTest).toBeUndefined();
    fleet.behave = (slot) => model(0.03, slot.modelVersionName === 'cell-2' ? { agreementPermille: 990 } : {});
    fleet.report();
    fleet.pass();
    expect(fleet.instances[0]?.spec.energyTest).toMatchObject({ kind: 'Paired', windows: 6 });
    fleet.settle();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-2', previous: 'cell-1' });
  });

  it.each([
    ['ten percent more energy, though far below the budget', model(0.033), {}, 'EnergyIncreased'],
    ['errors', model(0.03, { errors: 20 }), {}, 'ErrorsExceeded'],
    ['a slower p95', model(0.03, { p95Microseconds: 9000 }), {}, 'LatencyExceeded'],
    [
      'other answers',
      model(0.03, { agreementPermille: 700 }),
      { analysis: { minimumAgreementPermille: 900 } },
      'AgreementTooLow',
    ],
  ])('is rejected for %s, and the old one never stops', (_, candidate, rollout, reason) => {
    const fleet = upgrading(candidate, rollout);
    fleet.settle();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1' });
    expect(fleet.deployment.status?.rejectedRevisions).toMatchObject([{ reason }]);
    expect(fleet.condition('Available')).toBe('True Succeeded');
    expect(fleet.condition('Stalled')).toBe('True RevisionRejected');
  });

  it('stays where it is with Freeze, and passes with Continue', () => {
    const frozen = upgrading(model(0.033), { onFailure: 'Freeze' });
    frozen.settle();
    expect(frozen.slots('pi-1')).toEqual({ active: 'cell-1', candidate: 'cell-2' });
    expect(frozen.condition('Stalled')).toBe('True EnergyIncreased');
    const going = upgrading(model(0.033), { onFailure: 'Continue' });
    going.settle();
    expect(going.slots('pi-1')).toEqual({ active: 'cell-2', previous: 'cell-1' });
  });

  it('takes the place of the old one with Recreate, and gives it back when it fails', () => {
    const fleet = upgrading(model(0.12), { strategy: 'Recreate' });
    fleet.pass();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-2', previous: 'cell-1' });
    fleet.settle();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1' });
    expect(fleet.deployment.status?.history?.[0]).toMatchObject({ outcome: 'RolledBack' });
  });
});

describe('a rollout over several devices', () => {
  it('goes on without a device that does not answer, and brings it up to date when it does', () => {
    const fleet = upgrading(model(0.03), {}, { 'pi-1': 'pi', 'pi-2': 'pi' });
    const back = fleet.devices.get('pi-2');
    fleet.lose('pi-2');
    fleet.settle();
    expect(fleet.slots('pi-1').active).toBe('cell-2');
    expect(fleet.condition('RolledOut')).toBe('True Succeeded');
    if (back) fleet.devices.set('pi-2', back);
    fleet.settle();
    expect(fleet.slots('pi-2').active).toBe('cell-2');
  });

  it('promotes every class that waits at the gate by one annotation', () => {
    const steps = [{ devices: 1, gate: 'Manual' as const }, { percent: 100 }];
    const devices = { 'a-1': 'a', 'a-2': 'a', 'b-1': 'b', 'b-2': 'b' };
    const fleet = new PlannedFleet({
      spec: { rollout: { steps } },
      devices,
      predictions: { a: predictions.pi, b: predictions.pi },
    });
    fleet.settle();
    fleet.annotate({ [annotations.promote]: `${fleet.deployment.status?.currentRevision}/0` });
    fleet.settle();
    expect(Object.keys(devices).map((name) => fleet.slots(name).active)).toEqual(['cell-1', 'cell-1', 'cell-1', 'cell-1']);
  });

  it('does not call a gate or a hold late', () => {
    const fleet = new PlannedFleet({
      spec: { rollout: { steps: [{ devices: 1, gate: 'Manual' }, { percent: 100 }], progressDeadlineSeconds: 60 } },
      devices: { 'pi-1': 'pi', 'pi-2': 'pi' },
      predictions,
    });
    fleet.settle();
    fleet.now += 3_600_000;
    fleet.settle();
    expect(fleet.condition('RolledOut')).toBe('False AwaitingPromotion');
    expect(fleet.condition('Stalled')).toBeUndefined();
  });

  it('asks a person when there is no verdict before the progress deadline', () => {
    const fleet = upgrading(model(0.03), { analysis: { minimumAgreementPermille: 900 }, progressDeadlineSeconds: 600 });
    fleet.settle();
    fleet.now += 601_000;
    fleet.settle();
    expect(fleet.condition('RolledOut')).toBe('False Inconclusive');
    expect(fleet.slots('pi-1').active).toBe('cell-1');
  });
});
