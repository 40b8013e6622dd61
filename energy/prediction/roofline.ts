// Energy (or time) as a sum of non-negative costs per amount of work: the part of a predictor that extrapolates.
import { nonNegativeLeastSquares } from './non-negative-least-squares.ts';
import { rooflineKinds } from './quantities.ts';

/** Coefficients in the order of `rooflineTerms`: joules (or seconds) per unit of the term. */
export type Roofline = readonly number[];

/** About what repeats of one network differ by. Relative errors beyond this count linearly instead of squared (Huber, 1964): a row that was recorded wrongly must not bend the rest. */
const huberThreshold = 0.04;
const reweightings = 6;
/** Pull toward one cost per kind of work, in rows' worth of evidence: decides only where few rows tell the terms apart. */
const priorRows = 0.3;

/** Minimises Huber's loss of relative errors, with a weak pull toward equal costs of equal kinds of work. */
export function fitRoofline(amounts: readonly (readonly number[])[], targets: readonly number[]): Roofline {
  const relative = amounts.map((row, index) => row.map((amount) => amount / (targets[index] ?? 1)));
  let weights = targets.map(() => 1);
  let roofline: Roofline = [];
  for (let pass = 0; pass < reweightings; pass += 1) {
    roofline = fitWeighted(relative, weights);
    weights = relative.map((row) => {
      const error = Math.abs(evaluateRoofline(roofline, row) - 1);
      return error <= huberThreshold ? 1 : huberThreshold / error;
    });
  }
  return roofline;
}

function fitWeighted(relative: readonly (readonly number[])[], weights: readonly number[]): Roofline {
  const roots = weights.map(Math.sqrt);
  const design = relative.map((row, index) => row.map((amount) => amount * (roots[index] ?? 1)));
  const kinds = Math.max(...rooflineKinds) + 1;
  const byKind = design.map((row) => {
    const sums = Array.from<number>({ length: kinds }).fill(0);
    for (const [term, amount] of row.entries()) sums[rooflineKinds[term] ?? 0] = (sums[rooflineKinds[term] ?? 0] ?? 0) + amount;
    return sums;
  });
  const costs = nonNegativeLeastSquares(byKind, roots);
  const share = priorRows / Math.max(1, design.length);
  const ridge = rooflineKinds.map((_, term) => share * design.reduce((sum, row) => sum + (row[term] ?? 0) ** 2, 0));
  return nonNegativeLeastSquares(design, roots, { ridge, prior: rooflineKinds.map((kind) => costs[kind] ?? 0) });
}

export function evaluateRoofline(roofline: Roofline, amounts: readonly number[]): number {
  let sum = 0;
  for (const [index, coefficient] of roofline.entries()) sum += coefficient * (amounts[index] ?? 0);
  return sum;
}
