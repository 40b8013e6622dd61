// Energy (or time) as a sum of non-negative costs per amount of work: the part of a predictor that extrapolates.
import { rooflineKinds } from './quantities.ts';
import { solveNonNegative } from './regression/non-negative-least-squares.ts';

/** Coefficients in the order of `rooflineTerms`: joules (or seconds) per unit of the term. */
export type Roofline = readonly number[];

/** About what repeats of one network differ by. Relative errors beyond this count linearly instead of squared (Huber, 1964): a row that was recorded wrongly must not bend the rest. */
const huberThreshold = 0.04;
const reweightings = 6;
/** Pull toward one cost per kind of work, in rows' worth of evidence: decides only where few rows tell the terms apart. */
const priorRows = 0.3;

/** What a comparison may change; shipped predictors use the defaults. */
export interface RooflineOptions {
  huberThreshold?: number;
  priorRows?: number;
  /** One per column of the amounts. */
  kinds?: readonly number[];
}

/** Minimises Huber's loss of relative errors, with a weak pull toward equal costs of equal kinds of work. */
export function fitRoofline(
  amounts: readonly (readonly number[])[],
  targets: readonly number[],
  options: RooflineOptions = {},
): Roofline {
  const { huberThreshold: threshold = huberThreshold, priorRows: pull = priorRows, kinds = rooflineKinds } = options;
  const size = kinds.length;
  const relative = new Float64Array(amounts.length * size);
  for (const [index, row] of amounts.entries())
    for (let term = 0; term < size; term += 1) relative[index * size + term] = (row[term] ?? 0) / (targets[index] ?? 1);
  const weights = new Float64Array(amounts.length).fill(1);
  let roofline: Roofline = [];
  for (let pass = 0; pass < reweightings; pass += 1) {
    roofline = fitWeighted(relative, weights, kinds, pull);
    for (let index = 0; index < weights.length; index += 1) {
      let predicted = 0;
      for (let term = 0; term < size; term += 1)
        predicted += (roofline[term] as number) * (relative[index * size + term] as number);
      const error = Math.abs(predicted - 1);
      weights[index] = error <= threshold ? 1 : threshold / error;
    }
  }
  return roofline;
}

function fitWeighted(relative: Float64Array, weights: Float64Array, kinds: readonly number[], pull: number): Roofline {
  const size = kinds.length;
  const { gram, moments } = weightedEquations(relative, weights, size);
  const count = Math.max(...kinds) + 1;
  const kindGram = new Float64Array(count * count);
  const kindMoments = new Float64Array(count);
  for (const [i, left] of kinds.entries()) {
    kindMoments[left] = (kindMoments[left] ?? 0) + (moments[i] ?? 0);
    for (const [j, right] of kinds.entries())
      kindGram[left * count + right] = (kindGram[left * count + right] ?? 0) + (gram[i * size + j] ?? 0);
  }
  const costs = solveNonNegative(kindGram, kindMoments, count);
  const share = pull / Math.max(1, weights.length);
  for (const [i, kind] of kinds.entries()) {
    const ridge = share * (gram[i * size + i] ?? 0);
    gram[i * size + i] = (gram[i * size + i] ?? 0) + ridge;
    moments[i] = (moments[i] ?? 0) + ridge * (costs[kind] ?? 0);
  }
  return solveNonNegative(gram, moments, size);
}

/** AᵀWA and AᵀW1 of relative amounts: the targets are all one. */
function weightedEquations(relative: Float64Array, weights: Float64Array, size: number) {
  const gram = new Float64Array(size * size);
  const moments = new Float64Array(size);
  for (let index = 0, at = 0; index < weights.length; index += 1, at += size)
    for (let i = 0; i < size; i += 1) {
      const left = (weights[index] as number) * (relative[at + i] as number);
      if (left === 0) continue;
      moments[i] = (moments[i] as number) + left;
      for (let j = 0; j <= i; j += 1) gram[i * size + j] = (gram[i * size + j] as number) + left * (relative[at + j] as number);
    }
  for (let i = 0; i < size; i += 1) for (let j = 0; j < i; j += 1) gram[j * size + i] = gram[i * size + j] as number;
  return { gram, moments };
}

export function evaluateRoofline(roofline: Roofline, amounts: readonly number[]): number {
  let sum = 0;
  for (const [index, coefficient] of roofline.entries()) sum += coefficient * (amounts[index] ?? 0);
  return sum;
}
