// From a prediction to advice: how it ranks on its class, whether it may be deployed, and why.
import { formatEnergy } from '../units.ts';
import type { PredictorCard } from './card.ts';
import type { Estimate, Prediction } from './prediction.ts';
import { type EnergyVerdict, judgePrediction, type VerdictReason } from './verdict.ts';

/** By the quartiles of the networks that were measured on the class. */
export type Category = 'EXCELLENT' | 'GOOD' | 'ACCEPTABLE' | 'HIGH';
export type Advice = 'Deploy' | 'DeployWithCaution' | 'DoNotDeploy';

export interface Wishes {
  maximumJoules?: number;
  maximumSeconds?: number;
  maximumBytes?: number;
}

export interface Recommendation {
  category: Category | null;
  verdict: EnergyVerdict;
  advice: Advice;
  reasons: string[];
}

export function categoryOf(joules: number, catalogue: PredictorCard['catalogue']): Category | null {
  if (!catalogue) return null;
  if (joules < catalogue.p25) return 'EXCELLENT';
  if (joules < catalogue.p50) return 'GOOD';
  return joules < catalogue.p75 ? 'ACCEPTABLE' : 'HIGH';
}

const megabyte = 1e6;

/** Without a wish for energy the verdict is Unknown: the other wishes and the category decide alone. */
export function recommend(prediction: Prediction, card: PredictorCard, sizeBytes: number, wishes: Wishes): Recommendation {
  const { joulesPerInference, latencySeconds } = prediction;
  const category = prediction.inDomain ? categoryOf(joulesPerInference.estimate, card.catalogue) : null;
  const energy =
    wishes.maximumJoules === undefined
      ? undefined
      : judgePrediction({ budgetJoules: wishes.maximumJoules, boundary: card.boundary, prediction });
  const broken = brokenWishes(latencySeconds, sizeBytes, wishes);
  const verdict = broken.length > 0 ? 'ExceedsBudget' : (energy?.verdict ?? 'Unknown');
  return {
    category,
    verdict,
    advice: adviceOf(prediction, verdict, wishes.maximumJoules !== undefined, category),
    reasons: [
      ...broken,
      ...(energy ? [energy.message] : []),
      ...doubts(prediction, card, energy?.reason),
      ...merits(category, joulesPerInference, latencySeconds, sizeBytes),
    ],
  };
}

/** What keeps the number from deciding, or from being more than a comparison: said with a budget and without. */
function doubts(
  { inDomain, mismatches, transferred }: Prediction,
  { scaleAssumed }: PredictorCard,
  said: VerdictReason | undefined,
): string[] {
  return [
    ...(inDomain || said === 'OutOfDomain'
      ? []
      : ['the network is unlike those the predictor was trained on: only a measurement can decide']),
    ...(transferred && said !== 'Transferred' ? mismatches.map((mismatch) => `transferred, ${mismatch}`) : []),
    ...(scaleAssumed ? ['the absolute scale is assumed: ratios between networks hold, the level may be off'] : []),
  ];
}

function brokenWishes(latency: Estimate | undefined, sizeBytes: number, { maximumSeconds, maximumBytes }: Wishes): string[] {
  const broken: string[] = [];
  if (maximumSeconds !== undefined && latency && latency.estimate > maximumSeconds)
    broken.push(`predicted latency ${latency.estimate.toPrecision(3)} s > ${maximumSeconds} s`);
  if (maximumSeconds !== undefined && !latency) broken.push('the predictor says nothing of latency, so the limit cannot be held');
  if (maximumBytes !== undefined && sizeBytes > maximumBytes)
    broken.push(`file of ${(sizeBytes / megabyte).toFixed(1)} MB > ${(maximumBytes / megabyte).toFixed(1)} MB`);
  return broken;
}

function adviceOf(prediction: Prediction, verdict: EnergyVerdict, hasBudget: boolean, category: Category | null): Advice {
  if (verdict === 'ExceedsBudget') return 'DoNotDeploy';
  if (!prediction.inDomain || prediction.transferred) return 'DeployWithCaution';
  if (hasBudget) return verdict === 'WithinBudget' ? 'Deploy' : 'DeployWithCaution';
  return category === 'EXCELLENT' || category === 'GOOD' ? 'Deploy' : 'DeployWithCaution';
}

function merits(category: Category | null, energy: Estimate, latency: Estimate | undefined, sizeBytes: number): string[] {
  const found: string[] = [];
  const shown = formatEnergy(energy.estimate);
  if (category === 'EXCELLENT')
    found.push(`very economical: ${shown} is below three quarters of what was measured on this class`);
  if (category === 'GOOD') found.push(`economical: ${shown} is below the median of what was measured on this class`);
  const megabytes = sizeBytes / megabyte;
  if (megabytes < 30) found.push(`light: ${megabytes.toPrecision(2)} MB`);
  else if (megabytes < 60) found.push(`fairly light: ${megabytes.toPrecision(2)} MB`);
  if (latency && latency.estimate < 0.1) found.push(`very fast: ${(latency.estimate * 1000).toPrecision(3)} ms`);
  else if (latency && latency.estimate < 0.3) found.push(`fast: ${(latency.estimate * 1000).toPrecision(3)} ms`);
  return found;
}

const order: readonly Advice[] = ['Deploy', 'DeployWithCaution', 'DoNotDeploy'];

/** Best first: by advice, then by energy. */
export function rank<Row extends { advice: Advice; joules: number }>(rows: readonly Row[]): Row[] {
  return [...rows].sort((left, right) => order.indexOf(left.advice) - order.indexOf(right.advice) || left.joules - right.joules);
}

/** No other row needs less energy and is better in the second respect too (`lower` is better there). */
export function paretoFront<Row extends { joules: number; lower: number }>(rows: readonly Row[]): Row[] {
  let best = Number.POSITIVE_INFINITY;
  return [...rows]
    .sort((left, right) => left.joules - right.joules || left.lower - right.lower)
    .filter(({ lower }) => {
      if (lower >= best) return false;
      best = lower;
      return true;
    });
}
