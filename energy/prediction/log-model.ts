// One target (joules or seconds) of one device class: roofline × exp(gate × Gaussian process), fitted and evaluated.
import type { GraphFeatures } from '../graph/analysis.ts';
import { evaluateGaussianProcess, type GaussianProcess } from './gaussian-process.ts';
import { gate, type Hull, nearestDistance, standardize } from './hull.ts';
import { descriptors, rooflineAmounts } from './quantities.ts';
import { evaluateRoofline, type Roofline } from './roofline.ts';

export interface LogModel {
  roofline: Roofline;
  hull: Hull;
  process: GaussianProcess;
}

export interface Evaluation {
  value: number;
  /** The roofline alone. */
  roofline: number;
  /** Distance to the nearest training graph, in units of the hull's reach. */
  remoteness: number;
}

export function evaluateLogModel(model: LogModel, features: GraphFeatures, batch = 1): Evaluation {
  const { hull, process } = model;
  const roofline = evaluateRoofline(model.roofline, rooflineAmounts(features, batch));
  const point = standardize(hull, descriptors(features, batch));
  const distance = nearestDistance(point, process.points);
  const residual = gate(distance, hull.reach) * evaluateGaussianProcess(process, point);
  return {
    value: roofline * Math.exp(residual),
    roofline,
    remoteness: hull.reach > 0 ? distance / hull.reach : Number.POSITIVE_INFINITY,
  };
}
