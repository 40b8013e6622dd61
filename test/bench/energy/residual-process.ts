// A Gaussian process with any measure of similarity, to compare with the shipped one: same search, same sessions, no speed.
import { cholesky, choleskySolve, logDeterminant } from '../../../energy/prediction/regression/cholesky.ts';

export type Similarity = (left: readonly number[], right: readonly number[], lengthScale: number) => number;

export interface ProcessData {
  points: readonly (readonly number[])[];
  targets: readonly number[];
  sessions: readonly string[];
  referenceSession: string;
  noiseFactors: readonly number[];
}

interface Parameters {
  lengthScale: number;
  similar: number;
  linear: number;
  session: number;
  noise: number;
}

const constant = 0.01;
const grid: { readonly [Name in keyof Parameters]: readonly number[] } = {
  lengthScale: [0.25, 0.35, 0.5, 0.7, 1, 1.4, 2, 4, 8],
  linear: [0.0003, 0.001, 0.003, 0.01, 0.03],
  noise: [0.0003, 0.0006, 0.001, 0.0017, 0.003, 0.006, 0.01],
  session: [0.001, 0.003, 0.01],
  similar: [0.003, 0.01, 0.02, 0.03, 0.06, 0.1],
};

export interface Process {
  mean(point: readonly number[]): number;
  offset(session: string): number;
  /** Leave-one-out residuals over their standard deviations. */
  standardized: number[];
}

export function fitProcess(data: ProcessData, similarity: Similarity): Process {
  const { points, targets } = data;
  const size = points.length;
  const similar = new Map<number, Float64Array>();
  const square = (of: (left: readonly number[], right: readonly number[]) => number) => {
    const matrix = new Float64Array(size * size);
    for (const [i, left] of points.entries()) for (let j = 0; j <= i; j += 1) matrix[i * size + j] = of(left, points[j] ?? []);
    return matrix;
  };
  const linear = square(product);
  const multiple = new Set(data.sessions).size > 1;
  const covariance = (parameters: Parameters) => {
    const known = similar.get(parameters.lengthScale) ?? square((left, right) => similarity(left, right, parameters.lengthScale));
    similar.set(parameters.lengthScale, known);
    return known.map((value, at) => {
      const [i, j] = [Math.floor(at / size), at % size];
      if (j > i) return 0;
      const session = multiple && data.sessions[i] === data.sessions[j] ? parameters.session : 0;
      const noise = i === j ? parameters.noise * (data.noiseFactors[i] ?? 1) : 0;
      return constant + parameters.similar * value + parameters.linear * (linear[at] ?? 0) + session + noise;
    });
  };
  const parameters = search((candidate) => likelihood(covariance(candidate), size, targets), multiple);
  const factor = cholesky(covariance(parameters), size);
  if (!factor) throw new Error('the covariance is not positive definite');
  const weights = choleskySolve(factor, size, targets);
  const ofSession = (session: string) =>
    multiple
      ? parameters.session * weights.reduce((sum, weight, index) => sum + (data.sessions[index] === session ? weight : 0), 0)
      : 0;
  const reference = ofSession(data.referenceSession);
  return {
    mean: (point) =>
      weights.reduce(
        (sum, weight, index) =>
          sum +
          weight *
            (constant +
              parameters.similar * similarity(point, points[index] ?? [], parameters.lengthScale) +
              parameters.linear * product(point, points[index] ?? [])),
        reference,
      ),
    offset: (session) => ofSession(session) - reference,
    standardized: Array.from(weights, (weight, index) => {
      const unit = new Float64Array(size);
      unit[index] = 1;
      return weight / Math.sqrt(choleskySolve(factor, size, unit)[index] ?? 1);
    }),
  };
}

function product(left: readonly number[], right: readonly number[]): number {
  return left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0) / Math.max(1, left.length);
}

function likelihood(matrix: Float64Array, size: number, targets: readonly number[]): number {
  const factor = cholesky(matrix, size);
  if (!factor) return Number.NEGATIVE_INFINITY;
  const weights = choleskySolve(factor, size, targets);
  return -0.5 * (weights.reduce((sum, weight, index) => sum + weight * (targets[index] ?? 0), 0) + logDeterminant(factor, size));
}

/** One coordinate at a time from the middle, as the shipped search. */
function search(evaluate: (parameters: Parameters) => number, multiple: boolean): Parameters {
  const names = (Object.keys(grid) as (keyof Parameters)[]).filter((name) => multiple || name !== 'session').sort();
  const middle = (values: readonly number[]) => values[Math.floor(values.length / 2)] ?? 0;
  const seen = new Map<string, number>();
  const remembered = (parameters: Parameters) => {
    const key = JSON.stringify(parameters);
    const value = seen.get(key) ?? evaluate(parameters);
    seen.set(key, value);
    return value;
  };
  let best: Parameters = {
    lengthScale: middle(grid.lengthScale),
    similar: middle(grid.similar),
    linear: middle(grid.linear),
    session: middle(grid.session),
    noise: middle(grid.noise),
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const name of names)
      for (const value of grid[name]) {
        const candidate = { ...best, [name]: value };
        if (remembered(candidate) <= remembered(best)) continue;
        best = candidate;
        changed = true;
      }
  }
  return best;
}
