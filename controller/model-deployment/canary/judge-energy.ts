// The last endpoint: the controlled loop's joules, against the active model and against the budget. Pure.
import type { ModelDeployment } from '../../../crds/model-deployment.ts';
import type { EnergyTestStatus } from '../../../crds/model-instance.ts';
import { judgePaired } from '../../../energy/measurement/sequential-test.ts';
import { type Judgement, judgeMeasurement, quantityAt } from '../../../energy/prediction/verdict.ts';
import { formatEnergy, parseEnergy } from '../../../energy/units.ts';
import { counted } from '../../../kube/meta/counted.ts';
import type { BudgetQuestion } from '../../estimate/budget-question.ts';
import type { TestFinding } from './finding.ts';
import { maximumOf } from './orders.ts';

const defaultMarginPercent = 5;

export function judgeEnergy(
  deployment: ModelDeployment,
  budget: BudgetQuestion,
  device: string,
  test: EnergyTestStatus,
): TestFinding {
  const own = judgeOwn(budget, device, test);
  if (test.kind !== 'Paired' || own.kind === 'failed' || test.meanLog === undefined || test.varianceLog === undefined) return own;
  const state = judgePaired({
    ratio: { count: test.windowsDone, meanLog: Number(test.meanLog), varianceLog: Number(test.varianceLog) },
    marginPercent: deployment.spec.rollout?.analysis?.energyMarginPercent ?? defaultMarginPercent,
    maximumQuads: maximumOf(deployment, 'Paired'),
  });
  switch (state.kind) {
    case 'Failed':
      return { kind: 'failed', reason: 'EnergyIncreased', message: `${device}: ${state.message}` };
    case 'Successful':
      return own.kind === 'undecided' ? own : { ...own, message: `${own.message}; ${state.message}` };
    case 'Running':
      return {
        kind: 'undecided',
        reason: 'BudgetUncertain',
        message: `${device}: undecided after ${counted(test.windowsDone, 'quad')}`,
      };
    case 'Inconclusive':
      return { kind: 'undecided', reason: 'BudgetUncertain', message: `${device}: ${state.message}` };
  }
}

/** The candidate's own energy; its interval is already as wide as looking four times asks for (agent/measurement). */
function judgeOwn(
  budget: BudgetQuestion,
  device: string,
  test: EnergyTestStatus,
): Exclude<TestFinding, { kind: 'running' } | { kind: 'aborted' }> {
  const amount = budget.amounts.find(({ name }) => name === 'EnergyPerInference');
  const { energy, energyAbsent } = test;
  if (!energy) {
    const why = amount ? (energyAbsent?.message ?? 'no energy was reported') : 'the budget has no energyPerInference to measure';
    const reason = amount ? (energyAbsent?.reason ?? 'NoPowerSource') : 'NotMeasuredYet';
    return { kind: 'successful', reason, message: `${device}: traffic passed; ${amount ? `energy is unknown: ${why}` : why}` };
  }
  if (!amount)
    return {
      kind: 'successful',
      reason: 'NotMeasuredYet',
      message: `${device}: traffic passed; the budget has no energyPerInference to measure`,
    };
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
  return findingOf(judgement, budget, amount.value, device);
}

function findingOf({ verdict, reason, message: shown }: Judgement, budget: BudgetQuestion, joules: number, device: string) {
  const message = `${device}: ${shown}`;
  switch (verdict) {
    case 'WithinBudget':
      return { kind: 'successful', reason, message } as const;
    case 'ExceedsBudget':
      return budget.enforcement === 'Warn'
        ? ({ kind: 'successful', reason, message: `${message}; enforcement is Warn (budget ${formatEnergy(joules)})` } as const)
        : ({ kind: 'failed', reason, message } as const);
    case 'Uncertain':
      return budget.enforcement === 'Warn' || budget.whenUncertain === 'Admit'
        ? ({ kind: 'successful', reason, message: `${message}; that is admitted` } as const)
        : ({ kind: 'undecided', reason, message } as const);
    case 'Unknown':
      // Another boundary was measured than the budget's: the meter cannot answer, so only traffic counts.
      return { kind: 'successful', reason, message: `${device}: traffic passed; ${shown}` } as const;
  }
}
