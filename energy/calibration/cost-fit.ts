// Costs of each kind of work on a board, from few measurements and the costs on another board.
//
// Model: ln y = ln Σ aⱼ sⱼ exp(δⱼ) + g + e. a are a network's amounts of work, s the other board's costs, δ how much more each
// costs here. δ has a normal prior: a common part that is free (the boards differ in speed), a part for each kind of work
// (arithmetic, traffic, …) and a part of its own. g is a Gaussian process, e the noise of each measurement. The most probable
// δ is found by Gauss and Newton's method with steps that are halved until the posterior grows: no cost ever gets negative,
// and what the measurements say nothing of stays in proportion to its kind.
import { cholesky, choleskySolve } from '../prediction/regression/cholesky.ts';

export interface CostData {
  /** Amounts of work, one row per measured network. */
  amounts: readonly (readonly number[])[];
  /** Logarithm of what was measured. */
  logs: readonly number[];
  /** Covariance of g + e between the measurements, row-major. */
  covariance: Float64Array;
}

export interface CostPrior {
  /** Costs on the other board, all above zero. */
  costs: readonly number[];
  /** Kind of work of each cost. */
  kinds: readonly number[];
  /** Standard deviations of δ: of a kind, and of one cost within it. */
  kindSd: number;
  costSd: number;
}

export interface CostFit {
  costs: number[];
  /** K⁻¹(ln y − ln Σ a c), K the covariance of g + e: what g makes of the rest. */
  weights: Float64Array;
}

/** Boards differ by orders of magnitude: the common factor is practically free. */
const commonSd = 3;
const maximumSteps = 60;
const smallestStep = 1e-3;
const smallestGain = 1e-9;

/** @throws RangeError when the covariance is not positive definite: two equal measurements without noise. */
export function fitCosts(data: CostData, prior: CostPrior): CostFit {
  const size = prior.costs.length;
  const count = data.logs.length;
  const deviations = deviationCovariance(prior);
  const priorFactor = required(cholesky(deviations, size), 'the prior of the costs');
  const factor = required(cholesky(data.covariance, count), 'the covariance of the measurements');
  const residuals = (delta: readonly number[]) =>
    data.logs.map((log, index) => log - Math.log(workOf(data.amounts[index] ?? [], prior.costs, delta).total));
  const loss = (delta: readonly number[]) => {
    const left = residuals(delta);
    return dot(left, choleskySolve(factor, count, left)) + dot(delta, choleskySolve(priorFactor, size, delta));
  };

  const level = residuals(Array.from({ length: size }, () => 0)).reduce((sum, value) => sum + value, 0) / count;
  let delta = Array.from({ length: size }, () => level);
  let least = loss(delta);
  for (let step = 0; step < maximumSteps; step += 1) {
    const towards = newtonStep(data, prior, deviations, delta);
    const better = lineSearch(delta, towards, least, loss);
    if (!better) break;
    const gain = least - better.loss;
    ({ delta, loss: least } = better);
    if (gain < smallestGain) break;
  }
  return {
    costs: prior.costs.map((cost, index) => cost * Math.exp(delta[index] ?? 0)),
    weights: choleskySolve(factor, count, residuals(delta)),
  };
}

function deviationCovariance({ kinds, kindSd, costSd }: CostPrior): Float64Array {
  const size = kinds.length;
  return Float64Array.from({ length: size * size }, (_, at) => {
    const [row, column] = [Math.floor(at / size), at % size];
    return commonSd ** 2 + (kinds[row] === kinds[column] ? kindSd ** 2 : 0) + (row === column ? costSd ** 2 : 0);
  });
}

/** What the work costs, and each cost's share of it. */
function workOf(amounts: readonly number[], costs: readonly number[], delta: readonly number[]) {
  const parts = amounts.map((amount, index) => amount * (costs[index] ?? 0) * Math.exp(delta[index] ?? 0));
  const total = parts.reduce((sum, part) => sum + part, 0);
  return { total, shares: parts.map((part) => part / total) };
}

/** The most probable δ of the model made linear at `delta`. */
function newtonStep(
  { amounts, logs, covariance }: CostData,
  prior: CostPrior,
  deviations: Float64Array,
  delta: readonly number[],
) {
  const size = delta.length;
  const count = logs.length;
  const work = amounts.map((row) => workOf(row, prior.costs, delta));
  const spread = work.map(({ shares }) =>
    delta.map((_, row) => shares.reduce((sum, share, column) => sum + share * (deviations[row * size + column] as number), 0)),
  );
  const targets = work.map(({ total, shares }, index) => (logs[index] ?? 0) - Math.log(total) + dot(shares, delta));
  const matrix = Float64Array.from(covariance, (value, at) => {
    const [row, column] = [Math.floor(at / count), at % count];
    return value + dot(work[row]?.shares ?? [], spread[column] ?? []);
  });
  const weights = choleskySolve(required(cholesky(matrix, count), 'the measurements'), count, targets);
  return delta.map((_, index) => spread.reduce((sum, row, at) => sum + (row[index] ?? 0) * (weights[at] as number), 0));
}

function lineSearch(
  delta: readonly number[],
  towards: readonly number[],
  least: number,
  loss: (delta: readonly number[]) => number,
): { delta: number[]; loss: number } | undefined {
  for (let step = 1; step > smallestStep; step /= 2) {
    const moved = delta.map((value, index) => value + step * ((towards[index] ?? 0) - value));
    const now = loss(moved);
    if (now < least) return { delta: moved, loss: now };
  }
  return undefined;
}

function dot(left: readonly number[], right: readonly number[] | Float64Array): number {
  let sum = 0;
  for (let index = 0; index < left.length; index += 1) sum += (left[index] as number) * (right[index] as number);
  return sum;
}

function required(factor: Float64Array | undefined, what: string): Float64Array {
  if (factor) return factor;
  throw new RangeError(`${what} is not positive definite: give every measurement a variance above zero`);
}
