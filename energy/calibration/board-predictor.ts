// From a board's measured probes to a predictor's artifact with its card.
import type { GraphFeatures } from '../graph/analysis.ts';
import type { PredictorCard, ProbeCard } from '../prediction/card.ts';
import type { Boundary, ClassKey, Quantity } from '../prediction/prediction.ts';
import {
  artifactFormat,
  type Calibration,
  type Predictor,
  type PredictorArtifact,
  type StoredModel,
} from '../prediction/predictor.ts';
import { descriptorNames, descriptors, rooflineTerms } from '../prediction/quantities.ts';
import { conformalQuantile } from '../prediction/regression/conformal.ts';
import { mean, type Scores, scoresOf } from '../prediction/training/scores.ts';
import { type BoardFit, type BoardMeasurement, fitBoard, type LeftOut, leaveOneOut, type Target } from './board-fit.ts';
import { boardIntervals, errorSpread, priorErrors, relativeHalfWidth } from './board-intervals.ts';
import { bestSource } from './source-choice.ts';

export interface MeasuredProbe {
  name: string;
  features: GraphFeatures;
  joules: number;
  /** Variance of the mean, of the logarithm. */
  joulesLogVariance: number;
  seconds: number;
  secondsLogVariance: number;
}

export interface BoardDescription {
  deviceClass: string;
  key: ClassKey;
  boundary: Boundary;
  quantity: Quantity;
  /** `measurements.json` and its checksum. */
  data: { file: string; sha256: string };
  /** YYYY-MM-DD. */
  date: string;
  version: number;
  extractorVersion: number;
  probes: Omit<ProbeCard, 'source' | 'probes'>;
}

/** Fewer measured networks than this make no predictor: errors on networks that were not measured would be beyond 20 %. */
export const leastProbes = 10;
const confidencePercent = 90;

/** @throws RangeError when fewer than ten probes were measured, or there is no source. */
export function boardPredictor(
  sources: readonly Predictor[],
  probes: readonly MeasuredProbe[],
  board: BoardDescription,
): PredictorArtifact {
  if (probes.length < leastProbes)
    throw new RangeError(`${probes.length} probes were measured: a predictor needs at least ${leastProbes}`);
  const source = bestSource(sources, measurementsOf(probes, 'energy'), board.key);
  const energy = target(source, probes, 'energy');
  const latency = target(source, probes, 'latency');
  const runtime = board.key.runtime === undefined ? '' : `-${board.key.runtime}`;
  const { hull } = energy.fit.surroundings;
  return {
    format: artifactFormat,
    name: `${board.deviceClass}-${board.boundary.toLowerCase()}${runtime}-calibrated`,
    version: board.version,
    card: cardOf(source, probes, board, energy, latency),
    descriptors: [...descriptorNames],
    hull: { means: hull.means.map(short), scales: hull.scales.map(short), reach: short(hull.reach) },
    points: energy.fit.points.map((point) => point.map(short)),
    energy: energy.stored,
    latency: latency.stored,
  };
}

function measurementsOf(probes: readonly MeasuredProbe[], name: Target): BoardMeasurement[] {
  return probes.map((probe) => ({
    network: probe.name,
    features: probe.features,
    batch: 1,
    value: name === 'energy' ? probe.joules : probe.seconds,
    logVariance: name === 'energy' ? probe.joulesLogVariance : probe.secondsLogVariance,
  }));
}

interface FittedTarget {
  fit: BoardFit;
  leftOut: LeftOut[];
  calibration: Calibration;
  stored: StoredModel;
}

function target(source: Predictor, probes: readonly MeasuredProbe[], name: Target): FittedTarget {
  const measured = measurementsOf(probes, name);
  const fit = fitBoard(source, measured, name);
  const leftOut = leaveOneOut(source, measured, name);
  const calibration = boardIntervals(source, fit, leftOut);
  return { fit, leftOut, calibration, stored: storedModel(fit, calibration) };
}

function storedModel({ model: { roofline, process } }: BoardFit, { inside, outside }: Calibration): StoredModel {
  return {
    roofline: Object.fromEntries(rooflineTerms.map((term, index) => [term, short(roofline[index] ?? 0)])),
    parameters: process.parameters,
    weights: process.weights.map(short),
    slope: [...process.slope],
    intercept: process.intercept,
    calibration: {
      inside: { sorted: inside.sorted.map(short), count: inside.count },
      outside: { sorted: outside.sorted.map(short), count: outside.count },
    },
  };
}

function cardOf(
  source: Predictor,
  probes: readonly MeasuredProbe[],
  board: BoardDescription,
  energy: FittedTarget,
  latency: FittedTarget,
): PredictorCard {
  const { deviceClass, key, boundary, quantity, extractorVersion, date } = board;
  const scored = (leftOut: readonly LeftOut[]) =>
    leftOut.map(({ predicted, measurement }) => ({ predicted, actual: measurement.value }));
  return {
    deviceClass,
    key,
    boundary,
    quantity,
    data: [board.data],
    manifest: `the measurements of the probes are in ${board.data.file}`,
    rows: probes.length,
    architectures: probes.length,
    referenceSession: date,
    assumptions: [
      `proportions between costs that ${probes.length} probes cannot tell apart are those of ${source.name} (boundary ${source.card.boundary}); level and scale are this board's own`,
      ...(board.probes.simulated
        ? ['the board was simulated: its energy is of no real board, its latency of the machine that simulated']
        : []),
      'one board at one time: other specimens and other days differ by 2 to 9 %',
      'scores are of probes that were left out, which are farther from one another than most networks are from a probe',
      `the interval is Student's t on their errors, with what the fit expects of itself counted like ${priorErrors} more`,
    ],
    scaleAssumed: false,
    scores: { byArchitecture: shortScores(scoresOf(scored(energy.leftOut))) },
    latencyScores: { byArchitecture: shortScores(scoresOf(scored(latency.leftOut))) },
    baselines: [{ name: 'MACs × constant', scores: shortScores(scoresOf(macsLeftOut(probes))) }],
    coverage: {
      confidencePercent,
      ...jackknifeCoverage(energy.leftOut),
      halfWidthFactor: short(Math.exp(conformalQuantile(energy.calibration.inside, confidencePercent))),
    },
    featureRanges: rangesOf(probes),
    calibration: { source: `${source.name}@${source.version}`, probes: probes.map(({ name }) => name), ...board.probes },
    extractorVersion,
    date,
  };
}

/** One number per multiply–add, each probe predicted from the others. */
function macsLeftOut(probes: readonly MeasuredProbe[]): { predicted: number; actual: number }[] {
  return probes.map((probe) => {
    const others = probes.filter((other) => other !== probe);
    const perMac = Math.exp(mean(others.map(({ joules, features }) => Math.log(joules / Math.max(1, features.macs)))));
    return { predicted: perMac * Math.max(1, probe.features.macs), actual: probe.joules };
  });
}

/** How many of the left-out probes lie within the interval that the others' errors say. */
function jackknifeCoverage(leftOut: readonly LeftOut[]): { insidePermille: number; insideCount: number } {
  const covered = leftOut.filter(({ logResidual, expectedSd }, index) => {
    const others = leftOut.filter((_, at) => at !== index);
    return Math.abs(logResidual) <= expectedSd * relativeHalfWidth(errorSpread(others), confidencePercent);
  }).length;
  return { insidePermille: Math.round((1000 * covered) / leftOut.length), insideCount: leftOut.length };
}

function rangesOf(probes: readonly MeasuredProbe[]): Record<string, [number, number]> {
  const all = probes.map(({ features }) => descriptors(features, 1));
  return Object.fromEntries(
    descriptorNames.map((name, index) => {
      const values = all.map((row) => row[index] ?? 0);
      return [name, [short(Math.min(...values)), short(Math.max(...values))]];
    }),
  );
}

function shortScores(scores: Scores): Scores {
  return {
    count: scores.count,
    meanAbsolutePercent: short(scores.meanAbsolutePercent),
    medianAbsolutePercent: short(scores.medianAbsolutePercent),
    r2: short(scores.r2),
    logR2: short(scores.logR2),
  };
}

/** Digits beyond the noise only make the file long. */
function short(value: number): number {
  return Number(value.toPrecision(6));
}
