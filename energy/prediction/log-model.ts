// One target (joules or seconds) of one device class: roofline × exp(gate × Gaussian process), fitted and evaluated.
import type { GraphFeatures } from '../graph/analysis.ts';
import { descriptors, rooflineAmounts } from './quantities.ts';
import { evaluateGaussianProcess, type GaussianProcess } from './regression/gaussian-process.ts';
import { gate, type Hull, standardize } from './regression/hull.ts';
import { distancesTo, type PointSet, smallest } from './regression/point-set.ts';
import { evaluateRoofline, type Roofline } from './roofline.ts';

/** Where the training graphs are. Targets of one class share it. */
export interface Surroundings {
  hull: Hull;
  points: PointSet;
}

export interface LogModel {
  roofline: Roofline;
  process: GaussianProcess;
}

/** A graph as the models see it: computed once, evaluated for every target. */
export interface Query {
  amounts: readonly number[];
  point: readonly number[];
  distances: Float64Array;
  /** Distance to the nearest training graph, in units of the hull's reach. */
  remoteness: number;
  gate: number;
}

export function queryOf(surroundings: Surroundings, features: GraphFeatures, batch = 1): Query {
  return queryAt(surroundings, descriptors(features, batch), rooflineAmounts(features, batch));
}

/** The same from a graph's descriptors and amounts. */
export function queryAt({ hull, points }: Surroundings, raw: readonly number[], amounts: readonly number[]): Query {
  const point = standardize(hull, raw);
  const distances = distancesTo(points, point);
  const nearest = smallest(distances);
  return {
    amounts,
    point,
    distances,
    remoteness: hull.reach > 0 ? nearest / hull.reach : Number.POSITIVE_INFINITY,
    gate: gate(nearest, hull.reach),
  };
}

export interface Evaluation {
  value: number;
  /** The roofline alone. */
  roofline: number;
}

export function evaluateLogModel(model: LogModel, query: Query): Evaluation {
  const roofline = evaluateRoofline(model.roofline, query.amounts);
  const residual = query.gate * evaluateGaussianProcess(model.process, query.point, query.distances);
  return { value: roofline * Math.exp(residual), roofline };
}
