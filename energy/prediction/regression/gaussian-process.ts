// Gaussian process on log residuals: isotropic Matérn 3/2 + linear + constant kernel (Rasmussen and Williams, 2006, ch. 2 and 4).
import { cholesky, choleskySolve, logDeterminant } from './cholesky.ts';

export interface KernelParameters {
  lengthScale: number;
  /** Variances in units of squared log residual. */
  matern: number;
  linear: number;
  constant: number;
  /** Of measurement campaigns against each other; the reference session's is part of a prediction. */
  session: number;
  noise: number;
}

export interface GaussianProcess {
  parameters: KernelParameters;
  /** Of the training points: the Matérn part. */
  weights: readonly number[];
  /** The linear kernel's part folds into one vector, constant and reference session into one number. */
  slope: readonly number[];
  intercept: number;
}

export interface GaussianProcessData {
  points: readonly (readonly number[])[];
  targets: readonly number[];
  /** Session of each row; rows of equal sessions share an offset. */
  sessions: readonly string[];
  referenceSession: string;
  /** Multiplies the noise variance of a row: doubtful rows count less. */
  noiseFactors?: readonly number[];
}

const sqrt3 = Math.sqrt(3);

export function matern32(distance: number, lengthScale: number): number {
  const scaled = (sqrt3 * distance) / lengthScale;
  return (1 + scaled) * Math.exp(-scaled);
}

/** Root mean square difference: comparable whatever the number of descriptors. */
export function distanceBetween(left: readonly number[], right: readonly number[]): number {
  let sum = 0;
  for (let index = 0; index < left.length; index += 1) {
    const difference = (left[index] as number) - (right[index] as number);
    sum += difference * difference;
  }
  return Math.sqrt(sum / Math.max(1, left.length));
}

/** What the covariance is put together from; only lower halves are filled. */
class Geometry {
  readonly products: Float64Array;
  readonly #distances: Float64Array;
  readonly #matern = new Map<number, Float64Array>();

  constructor(points: readonly (readonly number[])[]) {
    const size = points.length;
    this.#distances = new Float64Array(size * size);
    this.products = new Float64Array(size * size);
    for (let i = 0; i < size; i += 1)
      for (let j = 0; j <= i; j += 1) {
        const left = points[i] as readonly number[];
        const right = points[j] as readonly number[];
        let product = 0;
        for (let k = 0; k < left.length; k += 1) product += (left[k] as number) * (right[k] as number);
        this.#distances[i * size + j] = distanceBetween(left, right);
        this.products[i * size + j] = product / Math.max(1, left.length);
      }
  }

  /** Kept: a search asks for few length scales, many times each. */
  matern(lengthScale: number): Float64Array {
    const known = this.#matern.get(lengthScale) ?? this.#distances.map((distance) => matern32(distance, lengthScale));
    this.#matern.set(lengthScale, known);
    return known;
  }
}

function covariance(data: GaussianProcessData, geometry: Geometry, parameters: KernelParameters): Float64Array {
  const size = data.points.length;
  const { constant, matern, linear, session, noise } = parameters;
  const similar = geometry.matern(parameters.lengthScale);
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i += 1)
    for (let j = 0; j <= i; j += 1) {
      const at = i * size + j;
      let value = constant + matern * (similar[at] as number) + linear * (geometry.products[at] as number);
      if (session > 0 && data.sessions[i] === data.sessions[j]) value += session;
      if (i === j) value += noise * (data.noiseFactors?.[i] ?? 1);
      matrix[at] = value;
    }
  return matrix;
}

export type KernelGrid = { readonly [Name in keyof KernelParameters]: readonly number[] };

/**
 * Parameters with the highest marginal likelihood among a grid's, one coordinate at a time from the middle until a whole round
 * changes nothing. Deterministic; the first wins on a tie.
 */
export function chooseParameters(data: GaussianProcessData, grid: KernelGrid): KernelParameters {
  const geometry = new Geometry(data.points);
  const names = (Object.keys(grid) as (keyof KernelParameters)[]).sort();
  const middle = (values: readonly number[]) => values[Math.floor(values.length / 2)] ?? 0;
  const best: KernelParameters = {
    lengthScale: middle(grid.lengthScale),
    matern: middle(grid.matern),
    linear: middle(grid.linear),
    constant: middle(grid.constant),
    session: middle(grid.session),
    noise: middle(grid.noise),
  };
  const seen = new Map<string, number>();
  const likelihoodOf = (parameters: KernelParameters): number => {
    const key = names.map((name) => parameters[name]).join();
    const value = seen.get(key) ?? logLikelihood(data, geometry, parameters);
    seen.set(key, value);
    return value;
  };
  let likelihood = likelihoodOf(best);
  for (let changed = true; changed; ) {
    changed = false;
    for (const name of names)
      for (const value of grid[name]) {
        const candidate = { ...best, [name]: value };
        if (value === best[name]) continue;
        const other = likelihoodOf(candidate);
        if (other <= likelihood) continue;
        likelihood = other;
        best[name] = value;
        changed = true;
      }
  }
  if (likelihood === Number.NEGATIVE_INFINITY)
    throw new Error('no parameters of the grid give a positive definite covariance: the grid needs a larger noise');
  return best;
}

function logLikelihood(data: GaussianProcessData, geometry: Geometry, parameters: KernelParameters): number {
  const size = data.points.length;
  const factor = cholesky(covariance(data, geometry, parameters), size);
  if (!factor) return Number.NEGATIVE_INFINITY;
  const weights = choleskySolve(factor, size, data.targets);
  let fit = 0;
  for (let i = 0; i < size; i += 1) fit += (weights[i] as number) * (data.targets[i] ?? 0);
  return -0.5 * (fit + logDeterminant(factor, size));
}

export function fitGaussianProcess(data: GaussianProcessData, parameters: KernelParameters): GaussianProcess {
  const size = data.points.length;
  const factor = cholesky(covariance(data, new Geometry(data.points), parameters), size);
  if (!factor) throw new Error('the covariance is not positive definite: increase the noise');
  const alpha = choleskySolve(factor, size, data.targets);
  const width = data.points[0]?.length ?? 0;
  const slope = Array.from<number>({ length: width }).fill(0);
  let intercept = 0;
  for (const [index, point] of data.points.entries()) {
    const weight = alpha[index] as number;
    for (const [k, value] of point.entries())
      slope[k] = (slope[k] as number) + (parameters.linear * weight * value) / Math.max(1, width);
    intercept += parameters.constant * weight;
    if (data.sessions[index] === data.referenceSession) intercept += parameters.session * weight;
  }
  return {
    parameters,
    weights: Array.from(alpha, (weight) => parameters.matern * weight),
    slope,
    intercept,
  };
}

/** Offset of a session against the reference session, log scale. */
export function sessionOffset(data: GaussianProcessData, process: GaussianProcess, session: string): number {
  if (process.parameters.matern === 0) return 0;
  const scale = process.parameters.session / process.parameters.matern;
  let offset = 0;
  for (const [index, weight] of process.weights.entries()) {
    if (data.sessions[index] === session) offset += scale * weight;
    if (data.sessions[index] === data.referenceSession) offset -= scale * weight;
  }
  return offset;
}

/** Mean of the log residual at a standardised point, in the reference session; `distances` to the training points. */
export function evaluateGaussianProcess(process: GaussianProcess, point: readonly number[], distances: Float64Array): number {
  let mean = process.intercept;
  for (const [k, value] of point.entries()) mean += (process.slope[k] ?? 0) * value;
  const { lengthScale } = process.parameters;
  for (let index = 0; index < distances.length; index += 1)
    mean += (process.weights[index] as number) * matern32(distances[index] as number, lengthScale);
  return mean;
}
