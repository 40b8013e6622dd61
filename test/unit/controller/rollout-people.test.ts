import { describe, expect, it } from 'vitest';
import { annotations } from '../../../crds/names.ts';
import type { StubModel } from '../../support/stub-agent.ts';
import { PlannedFleet } from './planned-fleet.ts';

const known = { joules: [0.03, 0.025, 0.04] as [number, number, number] };
const good: StubModel = { joules: { value: 0.03, lower: 0.0297, upper: 0.0303 } };
const gated = { steps: [{ devices: 1, gate: 'Manual' as const }, { percent: 100 }] };

/** Class a passes its comparison and waits at the gate; in class b too few answers have been compared yet. */
function oneWaitsOneTests(): PlannedFleet {
  const fleet = new PlannedFleet({
    spec: { rollout: { analysis: { minimumAgreementPermille: 900 }, ...gated } },
    devices: { 'a-1': 'a', 'a-2': 'a', 'b-1': 'b', 'b-2': 'b' },
    predictions: { a: known, b: known },
  });
  fleet.behave = (_, device) => ({ ...good, ...(device.startsWith('a') ? { agreementPermille: 990 } : {}) });
  for (const _ of ['gate of the first version', 'the rest']) {
    fleet.settle();
    fleet.annotate({ [annotations.promote]: `${fleet.deployment.status?.currentRevision}/0` });
  }
  fleet.settle();
  fleet.annotate({});
  fleet.settle();
  fleet.ask(fleet.release('cell-2', 'b'));
  fleet.settle();
  return fleet;
}

describe('a promotion', () => {
  it('lets the class pass that waits for a person, and not the one that is still being tested at the same step', () => {
    const fleet = oneWaitsOneTests();
    expect(['a-1', 'a-2', 'b-1', 'b-2'].map((name) => fleet.slots(name).active)).toEqual([
      'cell-2',
      'cell-1',
      'cell-1',
      'cell-1',
    ]);
    fleet.annotate({ [annotations.promote]: `${fleet.deployment.status?.currentRevision}/0` });
    fleet.settle();
    expect(['a-1', 'a-2', 'b-1', 'b-2'].map((name) => fleet.slots(name).active)).toEqual([
      'cell-2',
      'cell-2',
      'cell-1',
      'cell-1',
    ]);
    expect(fleet.slots('b-1').candidate).toBe('cell-2');
  });

  it('said again, lets pass what is being tested where nothing waits any more', () => {
    const fleet = oneWaitsOneTests();
    const promote = { [annotations.promote]: `${fleet.deployment.status?.currentRevision}/0` };
    fleet.annotate(promote);
    fleet.settle();
    fleet.annotate({});
    fleet.settle();
    fleet.annotate(promote);
    fleet.settle();
    expect(fleet.slots('b-1').active).toBe('cell-2');
    expect(fleet.slots('b-2').active, 'the gate behind the test is another question').toBe('cell-1');
  });

  it('is carried out once: the same annotation opens no second gate', () => {
    const fleet = new PlannedFleet({
      spec: { rollout: { steps: [{ devices: 1, gate: 'Manual' }, { devices: 2, gate: 'Manual' }, { percent: 100 }] } },
      devices: { 'a-1': 'a', 'a-2': 'a', 'a-3': 'a' },
      predictions: { a: known },
    });
    fleet.settle();
    fleet.annotate({ [annotations.promote]: `${fleet.deployment.status?.currentRevision}/0` });
    fleet.settle();
    expect(['a-1', 'a-2', 'a-3'].map((name) => fleet.slots(name).active)).toEqual(['cell-1', 'cell-1', undefined]);
    expect(fleet.condition('RolledOut')).toBe('False AwaitingPromotion');
  });
});

describe('a retry', () => {
  it('is not carried out again for its revision while another one is asked for', () => {
    const fleet = new PlannedFleet({ devices: { 'a-1': 'a' }, predictions: { a: known } });
    const first = fleet.version;
    fleet.settle();
    fleet.behave = (slot) => (slot.modelVersionName === 'cell-2' ? { failure: { reason: 'LoadFailed', message: 'no' } } : good);
    fleet.ask(fleet.release('cell-2', 'b'));
    fleet.settle();
    fleet.behave = () => good;
    fleet.annotate({ [annotations.retry]: fleet.deployment.status?.currentRevision ?? '' });
    fleet.settle();
    if (first) fleet.ask(first);
    fleet.settle();
    expect(fleet.deployment.status?.history).toMatchObject([
      { modelVersionName: 'cell-1', outcome: 'Succeeded' },
      { modelVersionName: 'cell-2', outcome: 'Succeeded' },
    ]);
  });
});

describe('an abort', () => {
  it('takes the revision back from every class, also from one that serves it already', () => {
    const fleet = oneWaitsOneTests();
    fleet.annotate({ [annotations.abort]: fleet.deployment.status?.currentRevision ?? '' });
    fleet.settle();
    for (const name of ['a-1', 'a-2', 'b-1', 'b-2']) expect(fleet.slots(name), name).toEqual({ active: 'cell-1' });
    expect(fleet.condition('Stalled')).toBe('True RevisionRejected');
    expect(fleet.condition('Available')).toBe('True Succeeded');
  });
});
