// The absolute energy test of a first or uncertain revision: which order to give, and what its report means. Pure.

import type { ModelDeployment } from '../../crds/model-deployment.ts';
import type { EnergyTestOrder, EnergyTestStatus } from '../../crds/model-instance.ts';
import { judgeMeasurement, quantityAt } from '../../energy/prediction/verdict.ts';
import { formatEnergy, parseEnergy } from '../../energy/units.ts';
import type { BudgetQuestion } from '../estimate/budget-question.ts';
import { type Member, revisionStatus } from './scope.ts';

/** Fewer windows give no interval worth the name (energy.md). */
const firstWindows = 6;
const defaultMaximumWindows = 96;
const defaultMaximumErrorPermille = 10;

/** `<revision>.<criteria>.<look>`: a test with the same id is not run again, other criteria make another test. */
export function orderTest(deployment: ModelDeployment, revision: string, criteriaHash: string, look: number): EnergyTestOrder {
  return {
    id: `${orderPrefix(revision)}${criteriaHash.slice(0, 6)}.${look}`,
    kind: 'Absolute',
    windows: windowsOf(deployment, look),
  };
}

export function isTestOf(order: EnergyTestOrder, revision: string): boolean {
  return order.id.startsWith(orderPrefix(revision));
}

/** The end of a long name is what tells it from others. */
function orderPrefix(revision: string): string {
  return `${revision.slice(-100)}.`;
}

/** Every look doubles the windows, up to the limit. */
export function windowsOf(deployment: ModelDeployment, look: number): number {
  const maximum = deployment.spec.budget.energyTest?.maximumWindows ?? defaultMaximumWindows;
  return Math.min(maximum, firstWindows * 2 ** (look - 1));
}

export type TestFinding =
  | { kind: 'running'; message: string }
  | { kind: 'successful'; reason: string; message: string }
  | { kind: 'failed'; reason: string; message: string }
  /** More windows may decide. */
  | { kind: 'undecided'; reason: string; message: string };

/** Endpoints in fixed order: load, golden set, errors, p95, energy (delivery.md). */
export function judgeTest(
  deployment: ModelDeployment,
  budget: BudgetQuestion,
  member: Member,
  revision: string,
  order: EnergyTestOrder,
): TestFinding {
  const device = member.instance.spec.deviceName;
  const loaded = judgeLoad(member, revision);
  if (loaded) return loaded;
  const test = member.instance.status?.tests?.find((candidate) => candidate.id === order.id);
  if (test?.state === 'Aborted')
    return {
      kind: 'undecided',
      reason: test.reason ?? 'Inconclusive',
      message: `${device}: the test was aborted: ${test.message ?? test.reason ?? 'no cause given'}`,
    };
  if (test?.state !== 'Completed')
    return { kind: 'running', message: describeProgress(device, order, test, revisionStatus(member, revision)?.phase) };
  return judgeTraffic(deployment, device, test) ?? judgeEnergy(budget, device, test);
}

/** What a candidate that cannot even serve says; a download that fails is not the model's fault. */
export function judgeLoad(member: Member, revision: string): (TestFinding & { kind: 'failed' }) | undefined {
  const status = revisionStatus(member, revision);
  const device = member.instance.spec.deviceName;
  if (status?.golden && !status.golden.passed)
    return {
      kind: 'failed',
      reason: 'GoldenSetFailed',
      message: `${device}: ${status.golden.metric} ${status.golden.permille} permille on ${status.golden.samples} samples of the golden set`,
    };
  if (status?.phase === 'Failed' && status.reason !== 'DownloadFailed' && status.reason !== 'InsufficientStorage')
    return {
      kind: 'failed',
      reason: status.reason ?? 'LoadFailed',
      message: `${device}: ${status.message ?? 'the model did not load'}`,
    };
  return undefined;
}

function describeProgress(
  device: string,
  order: EnergyTestOrder,
  test: EnergyTestStatus | undefined,
  phase: string | undefined,
): string {
  if (!test)
    return phase === undefined || phase === 'Serving'
      ? `${device}: the test has not begun`
      : `${device}: the candidate is ${phase.toLowerCase()}`;
  const waiting = test.state === 'Waiting' && test.message !== undefined ? `, waiting: ${test.message}` : '';
  return `${device}: ${test.windowsDone} of ${order.windows} windows${waiting}`;
}

function judgeTraffic(deployment: ModelDeployment, device: string, test: EnergyTestStatus): TestFinding | undefined {
  const { analysis } = deployment.spec.rollout ?? {};
  const maximum = analysis?.maximumErrorPermille ?? defaultMaximumErrorPermille;
  const inferences = test.inferences ?? 0;
  const errors = test.errors ?? 0;
  if (errors > 0 && errors * 1000 > maximum * Math.max(1, inferences))
    return {
      kind: 'failed',
      reason: 'ErrorsExceeded',
      message: `${device}: ${errors} of ${inferences} inferences failed > ${maximum} permille`,
    };
  const limit = deployment.spec.requirements?.p95LatencyMilliseconds;
  const p95 = test.p95LatencyMicroseconds;
  if (limit !== undefined && p95 !== undefined && p95 > limit * 1000)
    return {
      kind: 'failed',
      reason: 'LatencyExceeded',
      message: `${device}: p95 ${(p95 / 1000).toPrecision(3)} ms > p95LatencyMilliseconds ${limit}`,
    };
  return undefined;
}

function judgeEnergy(budget: BudgetQuestion, device: string, test: EnergyTestStatus): TestFinding {
  const amount = budget.amounts.find(({ name }) => name === 'EnergyPerInference');
  if (!amount)
    return {
      kind: 'successful',
      reason: 'NotMeasuredYet',
      message: `${device}: traffic passed; the budget has no energyPerInference to measure`,
    };
  const { energy, energyAbsent } = test;
  if (!energy) {
    const why = energyAbsent?.message ?? 'no energy was reported';
    return {
      kind: 'successful',
      reason: energyAbsent?.reason ?? 'NoPowerSource',
      message: `${device}: traffic passed; energy is unknown: ${why}`,
    };
  }
  const judgement = judgeMeasurement({
    budgetJoules: amount.value,
    boundary: budget.boundary,
    quantity: quantityAt(budget.boundary),
    reading: {
      ...energy,
      estimate: parseEnergy(energy.value),
      lower: parseEnergy(energy.lower),
      upper: parseEnergy(energy.upper),
    },
  });
  const message = `${device}: ${judgement.message}`;
  switch (judgement.verdict) {
    case 'WithinBudget':
      return { kind: 'successful', reason: judgement.reason, message };
    case 'ExceedsBudget':
      return budget.enforcement === 'Warn'
        ? {
            kind: 'successful',
            reason: judgement.reason,
            message: `${message}; enforcement is Warn (budget ${formatEnergy(amount.value)})`,
          }
        : { kind: 'failed', reason: judgement.reason, message };
    case 'Uncertain':
      return { kind: 'undecided', reason: judgement.reason, message };
    case 'Unknown':
      // Another boundary was measured than the budget's: the meter cannot answer, so only traffic counts.
      return { kind: 'successful', reason: judgement.reason, message: `${device}: traffic passed; ${judgement.message}` };
  }
}
