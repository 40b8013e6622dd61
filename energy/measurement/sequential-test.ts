// Group-sequential tests of a candidate's energy: few looks, each at a quarter of the error that all together may make
// (Bonferroni's bound, so 5 % holds whatever the dependence between looks).
import { type IntervalOptions, logHalfWidth } from './intervals.ts';

/** Quads (paired) or windows (absolute) after which a verdict may fall. */
export const looks: readonly number[] = [6, 10, 16, 24];
const [firstLook = 6] = looks;
const finalLook = looks.at(-1) ?? firstLook;
/** One-sided error of each look, percent. */
export const lookErrorPercent = 1.25;
/** Two-sided confidence whose bounds have that one-sided error. */
export const lookConfidencePercent = 100 - 2 * lookErrorPercent;

export interface Summary {
  count: number;
  /** Of log ratios (paired) or log joules (absolute). */
  meanLog: number;
  varianceLog: number;
}

export type TestState =
  /** Not at a look, or undecided with looks to come. */
  | { kind: 'Running'; nextLook: number }
  | { kind: 'Failed'; look: number; lower: number; upper: number; message: string }
  | { kind: 'Successful'; look: number; lower: number; upper: number; message: string }
  /** The last look (or the allowed number of windows) did not decide. */
  | { kind: 'Inconclusive'; look: number; lower: number; upper: number; message: string };

export interface PairedQuestion {
  ratio: Summary;
  /** How much more than the active model the candidate may use. */
  marginPercent: number;
  /** Candidate's own energy against the budget, when there is one at this boundary. */
  budget?: { joules: number; candidate: Summary; gainRelativeSd: number; baselineRelativeSd: number };
  /** What `energyTest.maximumWindows` allows; four windows make a quad. */
  maximumQuads?: number;
}

/** ABBA quads of active and candidate: gain and slow drift cancel in the ratio, so only its own spread counts. */
export function judgePaired(question: PairedQuestion): TestState {
  const { ratio, marginPercent, budget, maximumQuads } = question;
  const look = lookAt(ratio.count, maximumQuads);
  if (look === undefined) return { kind: 'Running', nextLook: nextLook(ratio.count, maximumQuads) };
  const bounds = boundsOf(ratio, { gainRelativeSd: 0, baselineRelativeSd: 0 });
  const margin = 1 + marginPercent / 100;
  const energy = budget && boundsOf(budget.candidate, budget);
  const shown = `candidate ÷ active ${bounds.lower.toFixed(3)} to ${bounds.upper.toFixed(3)} after ${ratio.count} quads, allowed ${margin.toFixed(3)}`;
  if (bounds.lower > margin) return { kind: 'Failed', look, ...bounds, message: `${shown}: it uses more` };
  if (budget && energy && energy.lower > budget.joules)
    return { kind: 'Failed', look, ...bounds, message: `${shown}; its own energy is above the budget` };
  if (bounds.upper < margin && (!budget || !energy || energy.upper <= budget.joules))
    return { kind: 'Successful', look, ...bounds, message: shown };
  return undecided(ratio.count, look, maximumQuads, { ...bounds, message: `${shown}: neither is sure` });
}

export interface AbsoluteQuestion {
  energy: Summary;
  budgetJoules: number;
  gainRelativeSd: number;
  baselineRelativeSd: number;
  maximumWindows?: number;
}

/** A first revision against its budget: there is nothing to pair it with. Bounds in joules. */
export function judgeAbsolute({ energy, budgetJoules, maximumWindows, ...errors }: AbsoluteQuestion): TestState {
  const look = lookAt(energy.count, maximumWindows);
  if (look === undefined) return { kind: 'Running', nextLook: nextLook(energy.count, maximumWindows) };
  const bounds = boundsOf(energy, errors);
  const shown = `${bounds.lower.toPrecision(3)} J to ${bounds.upper.toPrecision(3)} J per inference after ${energy.count} windows, budget ${budgetJoules.toPrecision(3)} J`;
  if (bounds.lower > budgetJoules) return { kind: 'Failed', look, ...bounds, message: shown };
  if (bounds.upper <= budgetJoules) return { kind: 'Successful', look, ...bounds, message: shown };
  return undecided(energy.count, look, maximumWindows, { ...bounds, message: `${shown}: the interval straddles it` });
}

function boundsOf(summary: Summary, errors: Pick<IntervalOptions, 'gainRelativeSd' | 'baselineRelativeSd'>) {
  const { gainRelativeSd, baselineRelativeSd } = errors;
  const options = { confidencePercent: lookConfidencePercent, gainRelativeSd, baselineRelativeSd };
  const half = logHalfWidth(summary.varianceLog, summary.count, options);
  return { lower: Math.exp(summary.meanLog - half), upper: Math.exp(summary.meanLog + half) };
}

/** Number of the look that this count is, 1 to 4; what the allowed maximum cuts off becomes the last look. */
function lookAt(count: number, maximum = Number.POSITIVE_INFINITY): number | undefined {
  const regular = looks.indexOf(count);
  if (regular >= 0 && count <= maximum) return regular + 1;
  if (count < firstLook || count < maximum || count > finalLook) return undefined;
  return looks.filter((look) => look < count).length + 1;
}

function nextLook(count: number, maximum = Number.POSITIVE_INFINITY): number {
  return Math.min(maximum, looks.find((look) => look > count) ?? count + 1);
}

function undecided(
  count: number,
  look: number,
  maximum: number | undefined,
  bounds: { lower: number; upper: number; message: string },
): TestState {
  if (look < looks.length && count < (maximum ?? Number.POSITIVE_INFINITY))
    return { kind: 'Running', nextLook: nextLook(count, maximum) };
  return { kind: 'Inconclusive', look, ...bounds };
}
