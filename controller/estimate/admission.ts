// From predictions to a verdict on every amount, and from verdicts to what may be done. Pure.
import type { AmountName } from '../../crds/model-deployment.ts';
import type { EnergyVerdict } from '../../crds/shared.ts';
import type { Estimate, Prediction } from '../../energy/prediction/prediction.ts';
import { type Judgement, judgePower, judgePrediction, predictPower, worstVerdict } from '../../energy/prediction/verdict.ts';
import type { BudgetQuestion } from './budget-question.ts';

export interface JudgedAmount extends Judgement {
  name: AmountName;
  budget: string;
  /** Predicted value in the amount's own unit: joules per inference, watts, or joules per day. */
  predicted?: Estimate;
}

/** Direct: onto devices at once. Canary: tested first. Refused: not placed. */
export type Admission = 'Direct' | 'Canary' | 'Refused';

export interface Judged {
  amounts: JudgedAmount[];
  verdict: EnergyVerdict;
  /** Of the amount that decided. */
  reason: Judgement['reason'];
  message: string;
  admission: Admission;
}

export interface Evidence {
  prediction?: Prediction;
  /** At the budget's boundary. */
  idleWatts?: number;
}

const secondsPerDay = 86_400;

export function judgeBudget(question: BudgetQuestion, evidence: Evidence): Judged {
  const amounts = question.amounts.map((amount): JudgedAmount => {
    const { name, text: budget } = amount;
    const predicted = predictAmount(name, question, evidence);
    const judgement =
      name === 'EnergyPerInference'
        ? judgePrediction({ budgetJoules: amount.value, boundary: question.boundary, prediction: evidence.prediction })
        : judgePower({ ...question, budgetWatts: amount.value, idleWatts: evidence.idleWatts, prediction: evidence.prediction });
    return { name, budget, ...(predicted === undefined ? {} : { predicted }), ...judgement };
  });
  const verdict = worstVerdict(amounts.map((amount) => amount.verdict));
  const deciding = amounts.find((amount) => amount.verdict === verdict) ?? amounts[0];
  const admissions = amounts.map((amount) => admit(question, amount));
  return {
    amounts,
    verdict,
    reason: deciding?.reason ?? 'NoPredictor',
    message: deciding?.message ?? 'the budget names no amount',
    admission: admissions.includes('Refused') ? 'Refused' : admissions.includes('Canary') ? 'Canary' : 'Direct',
  };
}

function admit(question: BudgetQuestion, { verdict, reason }: Judgement): Admission {
  const warnOnly = question.enforcement === 'Warn';
  if (reason === 'LoadExceedsCapacity') return 'Refused';
  switch (verdict) {
    case 'WithinBudget':
      return 'Direct';
    case 'ExceedsBudget':
      return warnOnly ? 'Direct' : 'Refused';
    case 'Uncertain':
      return byPolicy(question.whenUncertain, warnOnly);
    case 'Unknown':
      return byPolicy(question.whenUnknown, warnOnly);
  }
}

function byPolicy(policy: 'Canary' | 'Admit' | 'Reject', warnOnly: boolean): Admission {
  switch (policy) {
    case 'Canary':
      return 'Canary';
    case 'Admit':
      return 'Direct';
    case 'Reject':
      return warnOnly ? 'Direct' : 'Refused';
  }
}

function predictAmount(name: AmountName, question: BudgetQuestion, evidence: Evidence): Estimate | undefined {
  const { prediction } = evidence;
  if (!prediction || prediction.boundary !== question.boundary) return undefined;
  if (name === 'EnergyPerInference') return bounds(prediction.joulesPerInference, 1);
  if (question.requestRate === undefined) return undefined;
  const load = { requestRate: question.requestRate, powerBasis: question.powerBasis, idleWatts: evidence.idleWatts };
  const power = predictPower(prediction, load);
  if (power.kind === 'unknown') return undefined;
  return bounds(power.watts, name === 'EnergyPerDay' ? secondsPerDay : 1);
}

function bounds({ estimate, lower, upper }: Estimate, factor: number): Estimate {
  return { estimate: estimate * factor, lower: lower * factor, upper: upper * factor };
}
