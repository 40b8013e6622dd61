import { describe, expect, it } from 'vitest';
import { annotations } from '../../../crds/names.ts';
import { PlannedFleet } from './planned-fleet.ts';

const good = { joules: { value: 0.03, lower: 0.029, upper: 0.031 } };
const bad = { joules: { value: 0.12, lower: 0.115, upper: 0.125 } };
const straddling = { joules: { value: 0.08, lower: 0.07, upper: 0.09 } };

describe('a deployment that prediction admits', () => {
  it('goes straight to active and becomes Ready', () => {
    const fleet = new PlannedFleet({
      devices: { 'pi-1': 'pi', 'pi-2': 'pi' },
      predictions: { pi: { joules: [0.03, 0.025, 0.04] } },
    });
    fleet.settle();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1' });
    expect(fleet.condition('BudgetAdmitted')).toBe('True WithinBudget');
    expect(fleet.condition('Ready')).toBe('True Succeeded');
    expect(fleet.condition('Reconciling')).toBeUndefined();
    expect(fleet.condition('Stalled')).toBeUndefined();
    expect(fleet.deployment.status?.devices).toEqual({ desired: 2, updated: 2, ready: 2, unreachable: 0 });
    expect(fleet.deployment.status?.energy).toMatchObject({ predicted: '30mJ', budget: '80mJ', verdict: 'WithinBudget' });
    expect(fleet.deployment.status?.history?.[0]).toMatchObject({ outcome: 'Succeeded', modelVersionName: 'cell-1' });
  });

  it('writes nothing in a second pass over the same world, also later', () => {
    const fleet = new PlannedFleet({ devices: { 'pi-1': 'pi' }, predictions: { pi: { joules: [0.03, 0.025, 0.04] } } });
    fleet.settle();
    fleet.now += 86_400_000;
    expect(fleet.pass()).toBe(false);
  });

  it('goes beside the old version first, and keeps that as previous', () => {
    const fleet = new PlannedFleet({ devices: { 'pi-1': 'pi' }, predictions: { pi: { joules: [0.03, 0.025, 0.04] } } });
    fleet.settle();
    fleet.ask(fleet.release('cell-2', 'b'));
    fleet.pass();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1', candidate: 'cell-2' });
    expect(fleet.condition('Available')).toBe('True Succeeded');
    fleet.settle();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-2', previous: 'cell-1' });
    expect(fleet.condition('Ready')).toBe('True Succeeded');
  });

  it('stays Available while its device switches, for the old version serves until then', () => {
    const fleet = new PlannedFleet({ devices: { 'pi-1': 'pi' }, predictions: { pi: { joules: [0.03, 0.025, 0.04] } } });
    fleet.settle();
    fleet.ask(fleet.release('cell-2', 'b'));
    fleet.pass();
    fleet.report();
    fleet.pass();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-2', previous: 'cell-1' });
    expect(fleet.condition('Available')).toBe('True Succeeded');
    expect(fleet.condition('Ready')).toBe('False Progressing');
  });

  it('goes back to the version that Git asks for again, with its old revision', () => {
    const fleet = new PlannedFleet({ devices: { 'pi-1': 'pi' }, predictions: { pi: { joules: [0.03, 0.025, 0.04] } } });
    const first = fleet.version;
    fleet.settle();
    fleet.ask(fleet.release('cell-2', 'b'));
    fleet.settle();
    if (first) fleet.ask(first);
    fleet.settle();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1', previous: 'cell-2' });
    expect(fleet.revisions).toHaveLength(2);
    expect(fleet.revisions.at(-1)?.metadata.name).toBe(fleet.deployment.status?.currentRevision);
  });

  it('stays with the old version when the new one does not load beside it', () => {
    const fleet = new PlannedFleet({ devices: { 'pi-1': 'pi' }, predictions: { pi: { joules: [0.03, 0.025, 0.04] } } });
    fleet.settle();
    fleet.behave = (slot) =>
      slot.modelVersionName === 'cell-2' ? { failure: { reason: 'LoadFailed', message: 'no such operator' } } : {};
    fleet.ask(fleet.release('cell-2', 'b'));
    fleet.settle();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1' });
    expect(fleet.condition('Ready')).toBe('False RevisionRejected');
    expect(fleet.condition('Stalled')).toBe('True RevisionRejected');
    expect(fleet.condition('Available')).toBe('True Succeeded');
  });
});

describe('a deployment that prediction refuses', () => {
  it('is stalled with the number that decided, and no slot is filled', () => {
    const fleet = new PlannedFleet({ devices: { 'pi-1': 'pi' }, predictions: { pi: { joules: [0.2, 0.15, 0.3] } } });
    fleet.settle();
    expect(fleet.condition('BudgetAdmitted')).toBe('False BudgetExceededPredicted');
    expect(fleet.condition('Stalled')).toBe('True BudgetExceededPredicted');
    expect(fleet.deployment.status?.conditions?.find(({ type }) => type === 'BudgetAdmitted')?.message).toContain(
      'lower bound 150mJ > budget 80mJ',
    );
    expect(fleet.slots('pi-1')).toEqual({});
  });

  it('is placed anyway when enforcement is Warn, and says so', () => {
    const fleet = new PlannedFleet({
      spec: { budget: { energyPerInference: '80mJ', boundary: 'Board', enforcement: 'Warn' } },
      devices: { 'pi-1': 'pi' },
      predictions: { pi: { joules: [0.2, 0.15, 0.3] } },
    });
    fleet.settle();
    expect(fleet.condition('BudgetAdmitted')).toBe('True BudgetExceededPredicted');
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1' });
  });

  it('never stops what serves when the budget is lowered', () => {
    const fleet = new PlannedFleet({ devices: { 'pi-1': 'pi' }, predictions: { pi: { joules: [0.03, 0.025, 0.04] } } });
    fleet.settle();
    fleet.edit({ budget: { energyPerInference: '10mJ', boundary: 'Board' } });
    fleet.settle();
    expect(fleet.condition('BudgetAdmitted')).toBe('False BudgetExceededPredicted');
    expect(fleet.condition('Available')).toBe('True Succeeded');
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1' });
  });

  it('is refused when nothing is known and whenUnknown is Reject', () => {
    const fleet = new PlannedFleet({
      spec: { budget: { energyPerInference: '80mJ', boundary: 'Board', whenUnknown: 'Reject' } },
      devices: { 'x-1': 'x' },
    });
    fleet.settle();
    expect(fleet.condition('BudgetAdmitted')).toBe('False NoPredictor');
    expect(fleet.condition('Stalled')).toBe('True NoPredictor');
  });
});

describe('a deployment that only a measurement can decide', () => {
  const uncertain = { pi: { joules: [0.07, 0.05, 0.1] as [number, number, number] } };

  it('is tested as candidate on one device of the class, then goes to all', () => {
    const fleet = new PlannedFleet({ devices: { 'pi-1': 'pi', 'pi-2': 'pi' }, predictions: uncertain });
    fleet.behave = () => good;
    fleet.pass();
    expect(fleet.slots('pi-1')).toEqual({ candidate: 'cell-1' });
    expect(fleet.slots('pi-2')).toEqual({});
    expect(fleet.instances[0]?.spec.energyTest).toMatchObject({ kind: 'Absolute', windows: 6 });
    fleet.settle();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1' });
    expect(fleet.slots('pi-2')).toEqual({ active: 'cell-1' });
    expect(fleet.condition('BudgetRespected')).toBe('True WithinBudget');
    expect(fleet.deployment.status?.classes?.[0]?.analysis).toMatchObject({ verdict: 'Successful', reason: 'WithinBudget' });
    expect(fleet.deployment.status?.energy).toMatchObject({ predicted: '70mJ', budget: '80mJ' });
  });

  it('shows what was measured beside what was predicted', () => {
    const fleet = new PlannedFleet({ devices: { 'pi-1': 'pi' }, predictions: uncertain });
    fleet.behave = () => good;
    fleet.settle();
    expect(fleet.condition('BudgetRespected')).toBe('True WithinBudget');
    expect(fleet.deployment.status?.energy).toMatchObject({ predicted: '70mJ', measured: '30mJ', verdict: 'WithinBudget' });
  });

  it('is rejected for good when it measures over the budget', () => {
    const fleet = new PlannedFleet({ devices: { 'pi-1': 'pi' }, predictions: uncertain });
    fleet.behave = () => bad;
    fleet.settle();
    expect(fleet.slots('pi-1')).toEqual({});
    expect(fleet.condition('Ready')).toBe('False RevisionRejected');
    expect(fleet.condition('Stalled')).toBe('True RevisionRejected');
    expect(fleet.deployment.status?.rejectedRevisions).toMatchObject([
      { deviceClassName: 'pi', reason: 'BudgetExceededMeasured' },
    ]);
    expect(fleet.deployment.status?.history?.[0]).toMatchObject({ outcome: 'Rejected' });
    fleet.edit({ placement: { replicas: 1, strategy: 'Spread' } });
    fleet.settle();
    expect(fleet.slots('pi-1'), 'another selector or count does not revive it').toEqual({});
  });

  it.each([
    ['a raised budget', (fleet: PlannedFleet) => fleet.edit({ budget: { energyPerInference: '200mJ', boundary: 'Board' } })],
    [
      'the retry annotation',
      (fleet: PlannedFleet) => fleet.annotate({ [annotations.retry]: fleet.deployment.status?.currentRevision ?? '' }),
    ],
  ])('is tried again after %s', (_, mend) => {
    const fleet = new PlannedFleet({ devices: { 'pi-1': 'pi' }, predictions: uncertain });
    fleet.behave = () => bad;
    fleet.settle();
    fleet.behave = () => good;
    mend(fleet);
    fleet.settle();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1' });
    expect(fleet.condition('Ready')).toBe('True Succeeded');
  });

  it('carries a retry out once: it is not forgiven for ever', () => {
    const fleet = new PlannedFleet({ devices: { 'pi-1': 'pi' }, predictions: uncertain });
    fleet.behave = () => bad;
    fleet.settle();
    fleet.annotate({ [annotations.retry]: fleet.deployment.status?.currentRevision ?? '' });
    fleet.settle();
    expect(fleet.condition('Ready')).toBe('False RevisionRejected');
    expect(fleet.deployment.status?.lastHandledCommand).toBe(`retry=${fleet.deployment.status?.currentRevision}`);
  });

  it('asks for more windows while the interval straddles, then for a person', () => {
    const fleet = new PlannedFleet({
      spec: { budget: { energyPerInference: '80mJ', boundary: 'Board', energyTest: { maximumWindows: 24 } } },
      devices: { 'pi-1': 'pi' },
      predictions: uncertain,
    });
    fleet.behave = () => straddling;
    fleet.settle();
    expect(fleet.instances[0]?.spec.energyTest?.windows).toBe(24);
    expect(fleet.condition('RolledOut')).toBe('False Inconclusive');
    expect(fleet.slots('pi-1')).toEqual({ candidate: 'cell-1' });
    fleet.annotate({ [annotations.promote]: `${fleet.deployment.status?.currentRevision}/0` });
    fleet.settle();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1' });
  });

  it('promotes on traffic alone where nothing can be measured, and leaves the budget unknown', () => {
    const fleet = new PlannedFleet({ devices: { 'x-1': 'x' } });
    fleet.settle();
    expect(fleet.slots('x-1')).toEqual({ active: 'cell-1' });
    expect(fleet.condition('Ready')).toBe('True Succeeded');
    expect(fleet.condition('BudgetRespected')).toMatch(/^Unknown /);
  });

  it.each([
    ['errors', { ...good, errors: 50 }, 'ErrorsExceeded'],
    ['p95 latency', { ...good, p95Microseconds: 60_000 }, 'LatencyExceeded'],
    ['a model that does not load', { failure: { reason: 'LoadFailed', message: 'bad graph' } }, 'LoadFailed'],
  ])('is rejected for %s before energy is looked at', (_, model, reason) => {
    const fleet = new PlannedFleet({
      spec: { requirements: { p95LatencyMilliseconds: 50 } },
      devices: { 'pi-1': 'pi' },
      predictions: uncertain,
    });
    fleet.behave = () => model;
    fleet.settle();
    expect(fleet.deployment.status?.rejectedRevisions).toMatchObject([{ reason }]);
  });

  it('judges each class for itself: one serves, the other is rejected', () => {
    const fleet = new PlannedFleet({
      devices: { 'nano-1': 'nano', 'pi-1': 'pi' },
      predictions: { ...uncertain, nano: { joules: [0.07, 0.05, 0.1] } },
    });
    fleet.behave = (_, device) => (device === 'pi-1' ? good : bad);
    fleet.settle();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1' });
    expect(fleet.slots('nano-1')).toEqual({});
    expect(fleet.condition('Available')).toBe('True Succeeded');
    expect(fleet.condition('Ready')).toBe('False RevisionRejected');
  });

  it('keeps the verdict across a restart: nothing is tested twice', () => {
    const fleet = new PlannedFleet({ devices: { 'pi-1': 'pi', 'pi-2': 'pi' }, predictions: uncertain });
    fleet.behave = () => good;
    fleet.settle();
    const plan = fleet.plan();
    expect(plan.slotChanges).toEqual([]);
    expect(plan.revisionChanges).toEqual([]);
  });
});

describe('enforcement after promotion', () => {
  const within = { pi: { joules: [0.03, 0.025, 0.04] as [number, number, number] } };
  const breaching = {
    quantity: 'Active',
    boundary: 'Board',
    source: 'meter',
    attribution: 'Exclusive',
    inferences: 500,
    time: '2026-01-01T00:10:00Z',
    value: '120mJ',
    lower: '110mJ',
    upper: '130mJ',
  } as const;

  function breach(fleet: PlannedFleet): void {
    fleet.instances = fleet.instances.map((instance) => ({
      ...instance,
      status: {
        ...instance.status,
        revisions: (instance.status?.revisions ?? []).map((revision) =>
          revision.slot === 'Active' ? { ...revision, energy: breaching } : revision,
        ),
      },
    }));
  }

  it('goes back to the previous revision by a pointer swap, and remembers why', () => {
    const fleet = new PlannedFleet({ devices: { 'pi-1': 'pi' }, predictions: within });
    fleet.settle();
    fleet.ask(fleet.release('cell-2', 'b'));
    fleet.settle();
    breach(fleet);
    fleet.pass();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1' });
    fleet.settle();
    expect(fleet.slots('pi-1'), 'Git still asks for the bad version').toEqual({ active: 'cell-1' });
    expect(fleet.condition('Ready')).toBe('False RevisionRejected');
    expect(fleet.condition('BudgetRespected')).toBe('Unknown RolledBack');
    expect(fleet.condition('Available')).toBe('True Succeeded');
    expect(fleet.deployment.status?.history?.[0]).toMatchObject({ outcome: 'RolledBack', modelVersionName: 'cell-2' });
    expect(fleet.events).toContain('RolledBack');
  });

  it('stops when there is nothing to go back to', () => {
    const fleet = new PlannedFleet({ devices: { 'pi-1': 'pi' }, predictions: within });
    fleet.settle();
    breach(fleet);
    fleet.settle();
    expect(fleet.slots('pi-1')).toEqual({});
    expect(fleet.condition('BudgetRespected')).toBe('False BudgetExceededMeasured');
    expect(fleet.condition('Available')).toBe('False NoFeasibleDevice');
  });

  it('only reports when whenExceeded is Report', () => {
    const fleet = new PlannedFleet({
      spec: { budget: { energyPerInference: '80mJ', boundary: 'Board', whenExceeded: 'Report' } },
      devices: { 'pi-1': 'pi' },
      predictions: within,
    });
    fleet.settle();
    breach(fleet);
    fleet.pass();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1' });
    expect(fleet.condition('BudgetRespected')).toBe('False BudgetExceededMeasured');
  });

  it('follows a device that went back by itself while it was offline', () => {
    const fleet = new PlannedFleet({ devices: { 'pi-1': 'pi' }, predictions: within });
    fleet.settle();
    fleet.ask(fleet.release('cell-2', 'b'));
    fleet.settle();
    const revision = fleet.deployment.status?.currentRevision ?? '';
    fleet.instances = fleet.instances.map((instance) => ({
      ...instance,
      status: { ...instance.status, localRollback: { revision, reason: 'BudgetExceeded', time: '2026-01-01T00:10:00Z' } },
    }));
    fleet.pass();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1' });
  });

  it('takes what a lost device measured out of the status', () => {
    const fleet = new PlannedFleet({ devices: { 'pi-1': 'pi' }, predictions: { pi: { joules: [0.07, 0.05, 0.1] } } });
    fleet.behave = () => good;
    fleet.settle();
    expect(fleet.deployment.status?.energy?.measured).toBe('30mJ');
    fleet.lose('pi-1');
    fleet.settle();
    expect(fleet.deployment.status?.energy?.measured).toBeUndefined();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1' });
    expect(fleet.deployment.status?.devices?.unreachable).toBe(1);
  });
});

describe('rollouts in steps', () => {
  it('moves batch after batch, with a pause and a gate in between', () => {
    const fleet = new PlannedFleet({
      spec: { rollout: { steps: [{ devices: 1, pauseSeconds: 300 }, { percent: 50, gate: 'Manual' }, { percent: 100 }] } },
      devices: { 'pi-1': 'pi', 'pi-2': 'pi', 'pi-3': 'pi', 'pi-4': 'pi' },
      predictions: { pi: { joules: [0.03, 0.025, 0.04] } },
    });
    const updated = () => ['pi-1', 'pi-2', 'pi-3', 'pi-4'].filter((name) => fleet.slots(name).active === 'cell-1');
    fleet.settle();
    expect(updated()).toEqual(['pi-1']);
    fleet.now += 301_000;
    fleet.settle();
    expect(updated()).toEqual(['pi-1', 'pi-2']);
    expect(fleet.condition('RolledOut')).toBe('False AwaitingPromotion');
    fleet.annotate({ [annotations.promote]: `${fleet.deployment.status?.currentRevision}/1` });
    fleet.settle();
    expect(updated()).toHaveLength(4);
    expect(fleet.condition('Ready')).toBe('True Succeeded');
  });

  it('counts an offline device as pending, not as failed', () => {
    const fleet = new PlannedFleet({
      devices: { 'pi-1': 'pi', 'pi-2': 'pi' },
      predictions: { pi: { joules: [0.03, 0.025, 0.04] } },
    });
    fleet.lose('pi-2');
    fleet.settle();
    expect(fleet.condition('Ready')).toBe('True Succeeded');
    expect(fleet.deployment.status?.devices).toMatchObject({ ready: 1, unreachable: 1 });
  });

  it('is aborted by the annotation', () => {
    const fleet = new PlannedFleet({ devices: { 'pi-1': 'pi' }, predictions: { pi: { joules: [0.07, 0.05, 0.1] } } });
    fleet.pass();
    fleet.annotate({ [annotations.abort]: fleet.deployment.status?.currentRevision ?? '' });
    fleet.settle();
    expect(fleet.slots('pi-1')).toEqual({});
    expect(fleet.condition('Stalled')).toBe('True RevisionRejected');
  });
});

describe('what cannot be resolved', () => {
  it('waits for a model version that is not there', () => {
    const fleet = new PlannedFleet({ devices: { 'pi-1': 'pi' } });
    fleet.version = undefined;
    fleet.settle();
    expect(fleet.condition('ModelResolved')).toBe('False ModelVersionNotFound');
    expect(fleet.condition('Reconciling')).toBe('True ModelVersionNotFound');
    expect(fleet.condition('Placed')).toBe('Unknown NotReached');
  });

  it('stalls after its progress deadline', () => {
    const fleet = new PlannedFleet({ spec: { rollout: { progressDeadlineSeconds: 600 } }, devices: { 'pi-1': 'pi' } });
    fleet.version = undefined;
    fleet.settle();
    fleet.now += 700_000;
    fleet.settle();
    expect(fleet.condition('Stalled')).toBe('True ProgressDeadlineExceeded');
  });

  it('goes on serving while it is suspended, and changes nothing', () => {
    const fleet = new PlannedFleet({ devices: { 'pi-1': 'pi' }, predictions: { pi: { joules: [0.03, 0.025, 0.04] } } });
    fleet.settle();
    fleet.edit({ suspend: true });
    fleet.ask(fleet.release('cell-2', 'b'));
    fleet.settle();
    expect(fleet.slots('pi-1')).toEqual({ active: 'cell-1' });
    expect(fleet.condition('Ready')).toBe('True Suspended');
  });

  it('names fields whose behaviour is not there yet', () => {
    const fleet = new PlannedFleet({
      spec: { drift: {} },
      devices: { 'pi-1': 'pi' },
      predictions: { pi: { joules: [0.03, 0.025, 0.04] } },
    });
    fleet.settle();
    expect(fleet.condition('ModelResolved')).toBe('True NotImplemented');
    expect(fleet.condition('Ready')).toBe('True Succeeded');
  });
});
