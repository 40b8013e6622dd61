// A predictor's model for a board that nobody trained one for: its probes' measurements, and another board's predictor.
import type { GraphFeatures } from '../graph/analysis.ts';
import { evaluateLogModel, type LogModel, queryOf, type Surroundings } from '../prediction/log-model.ts';
import type { Predictor } from '../prediction/predictor.ts';
import { descriptorNames, descriptors, rooflineAmounts, rooflineKinds } from '../prediction/quantities.ts';
import { matern32 } from '../prediction/regression/gaussian-process.ts';
import { nearestDistance, standardize } from '../prediction/regression/hull.ts';
import { distancesTo, pointSet, smallest } from '../prediction/regression/point-set.ts';
import { type CostPrior, fitCosts } from './cost-fit.ts';

export interface BoardMeasurement {
  /** Network; measurements of one are left out together when the fit is tested. */
  network: string;
  features: GraphFeatures;
  batch: number;
  /** Joules or seconds per inference. */
  value: number;
  /** Variance of the measurement itself, of the logarithm. */
  logVariance: number;
}

export type Target = 'energy' | 'latency';

export interface BoardFit {
  model: LogModel;
  surroundings: Surroundings;
  points: readonly (readonly number[])[];
}

/** Of the residual: how much similar networks are off alike, and what none of their features explains. */
const residual = { lengthScale: 1, matern: 0.04, nugget: 0.0006 };
const kindSd = 0.2;
const largestCostSd = 0.5;
/** So many measurements say half of what single costs can be told apart by. */
const halfwayMeasurements = 2;
/** A cost that the other board hides (zero, or nearly) is taken for this share of its kind's mean, so that it can be found here. */
const leastShareOfKind = 0.3;
/** What is paid per weight, node and inference is at least this share of a probe's cost before it is fitted. */
const leastShareOfFixed = 0.002;
const fixedKinds = 2;
const reachQuantile = 0.95;

/**
 * Deterministic. The source gives proportions between costs, and the scale of descriptors: nothing of its level.
 * @throws RangeError when there is no measurement, or one is not above zero.
 */
export function fitBoard(source: Predictor, measured: readonly BoardMeasurement[], target: Target): BoardFit {
  check(measured);
  const { hull: sourceHull } = source.surroundings;
  const amounts = measured.map(({ features, batch }) => rooflineAmounts(features, batch));
  const points = measured.map(({ features, batch }) => standardize(sourceHull, descriptors(features, batch)));
  const set = pointSet(points);
  const { lengthScale, matern, nugget } = residual;
  const covariance = Float64Array.from(
    points.flatMap((point, row) =>
      Array.from(
        distancesTo(set, point),
        (distance, column) =>
          matern * matern32(distance, lengthScale) + (row === column ? nugget + (measured[row]?.logVariance ?? 0) : 0),
      ),
    ),
  );
  const logs = measured.map(({ value }) => Math.log(value));
  const { costs, weights } = fitCosts({ amounts, logs, covariance }, priorOf(source[target].model, amounts));
  const { means, scales } = sourceHull;
  return {
    model: {
      roofline: costs,
      process: {
        parameters: { lengthScale, matern, linear: 0, constant: 0, session: 0, noise: nugget },
        weights: Array.from(weights, (weight) => matern * weight),
        slope: descriptorNames.map(() => 0),
        intercept: 0,
      },
    },
    surroundings: { hull: { means, scales, reach: reachOf(points, measured) }, points: set },
    points,
  };
}

export interface LeftOut {
  measurement: BoardMeasurement;
  predicted: number;
  /** ln(measured ÷ predicted). */
  logResidual: number;
  /** What the fit itself thinks of its error there: standard deviation of the logarithm, from the distance to the nearest other. */
  expectedSd: number;
}

/** Each network predicted from the others: what the fit is worth on a network that was not measured, if anything too pessimistic. */
export function leaveOneOut(source: Predictor, measured: readonly BoardMeasurement[], target: Target): LeftOut[] {
  return measured.flatMap((measurement) => {
    const others = measured.filter(({ network }) => network !== measurement.network);
    if (others.length === 0) return [];
    const { model, surroundings } = fitBoard(source, others, target);
    const query = queryOf(surroundings, measurement.features, measurement.batch);
    const predicted = evaluateLogModel(model, query).value;
    const expectedSd = Math.hypot(residualSd(smallest(query.distances)), Math.sqrt(measurement.logVariance));
    return { measurement, predicted, logResidual: Math.log(measurement.value / predicted), expectedSd };
  });
}

/** Standard deviation of what is off on a network this far from all that were measured, of the logarithm. */
export function residualSd(distance: number): number {
  const { lengthScale, matern, nugget } = residual;
  const alike = Number.isFinite(distance) ? matern32(distance, lengthScale) : 0;
  return Math.sqrt(matern * (1 - alike ** 2) + nugget);
}

function priorOf({ roofline }: LogModel, amounts: readonly (readonly number[])[]): CostPrior {
  const mean = rooflineKinds.map((_, term) => amounts.reduce((sum, row) => sum + (row[term] ?? 0), 0) / amounts.length);
  const spent = mean.map((amount, term) => amount * (roofline[term] ?? 0));
  const total = spent.reduce((sum, value) => sum + value, 0);
  const kindCost = (kind: number) => {
    const ofKind = (values: readonly number[]) =>
      values.reduce((sum, value, term) => sum + (rooflineKinds[term] === kind ? value : 0), 0);
    const work = ofKind(mean);
    return work > 0 ? ofKind(spent) / work : 0;
  };
  const costs = rooflineKinds.map((kind, term) => {
    const amount = mean[term] ?? 0;
    const least = kind >= fixedKinds && amount > 0 ? (leastShareOfFixed * total) / amount : 0;
    return Math.max(roofline[term] ?? 0, leastShareOfKind * kindCost(kind), least, Number.MIN_VALUE * 1e20);
  });
  const believed = amounts.length / (amounts.length + halfwayMeasurements);
  return { costs, kinds: rooflineKinds, kindSd, costSd: largestCostSd * believed };
}

/** Distances up to this are ordinary between what was measured. */
function reachOf(points: readonly (readonly number[])[], measured: readonly BoardMeasurement[]): number {
  const nearest = points
    .map((point, index) => nearestDistance(point, points, (other) => measured[other]?.network !== measured[index]?.network))
    .filter(Number.isFinite)
    .sort((left, right) => left - right);
  return nearest[Math.min(nearest.length - 1, Math.floor(reachQuantile * nearest.length))] ?? 0;
}

function check(measured: readonly BoardMeasurement[]): void {
  if (measured.length === 0) throw new RangeError('nothing was measured: a board is fitted to at least one measurement');
  for (const { network, value, logVariance } of measured) {
    if (!(value > 0 && Number.isFinite(value))) throw new RangeError(`${network} measured ${value}: it must be above zero`);
    if (!(logVariance >= 0 && Number.isFinite(logVariance)))
      throw new RangeError(`the variance of ${network} is ${logVariance}: it must not be negative`);
  }
}
