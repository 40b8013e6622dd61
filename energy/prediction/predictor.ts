// A trained predictor: one JSON artifact with parameters and card, asked in microseconds.
import type { GraphAnalysis, GraphFeatures, LayerCost, NodeClass } from '../graph/analysis.ts';
import { artifactProblem } from './artifact-check.ts';
import type { PredictorCard } from './card.ts';
import { matchKeys } from './class-key.ts';
import { evaluateLogModel, type LogModel, type Query, queryOf, type Surroundings } from './log-model.ts';
import type { ClassKey, Estimate, Prediction } from './prediction.ts';
import { classAmounts, layerAmounts, type RooflineTerm, rooflineTerms } from './quantities.ts';
import { type ConformalScores, halfWidth } from './regression/conformal.ts';
import type { KernelParameters } from './regression/gaussian-process.ts';
import type { Hull } from './regression/hull.ts';
import { pointSet } from './regression/point-set.ts';

export const artifactFormat = 'jouleops-predictor/1';

/** Scores inside and outside the hull. */
export interface Calibration {
  inside: ConformalScores;
  outside: ConformalScores;
}

/** One target as stored: hull and points are shared by both. */
export interface StoredModel {
  roofline: Partial<Record<RooflineTerm, number>>;
  parameters: KernelParameters;
  weights: number[];
  slope: number[];
  intercept: number;
  calibration: Calibration;
}

export interface PredictorArtifact {
  format: typeof artifactFormat;
  name: string;
  version: number;
  card: PredictorCard;
  descriptors: string[];
  hull: Hull;
  /** Standardised descriptors of the training graphs, one row each. */
  points: number[][];
  energy: StoredModel;
  latency: StoredModel;
}

interface Target {
  model: LogModel;
  calibration: Calibration;
}

export interface Predictor {
  name: string;
  version: number;
  card: PredictorCard;
  surroundings: Surroundings;
  energy: Target;
  latency: Target;
}

/** The file is not a predictor of this format. */
export class PredictorFormatError extends Error {
  override readonly name = 'PredictorFormatError';
}

/** @throws PredictorFormatError naming what is missing. */
export function parsePredictor(json: string): Predictor {
  let artifact: unknown;
  try {
    artifact = JSON.parse(json);
  } catch (error) {
    throw new PredictorFormatError('the predictor is not JSON: build or fetch it again', { cause: error });
  }
  check(artifact);
  const target = (stored: StoredModel): Target => ({
    model: {
      roofline: rooflineTerms.map((term) => stored.roofline[term] ?? 0),
      process: {
        parameters: stored.parameters,
        weights: stored.weights,
        slope: stored.slope,
        intercept: stored.intercept,
      },
    },
    calibration: stored.calibration,
  });
  const { name, version, card } = artifact;
  return {
    name,
    version,
    card,
    surroundings: { hull: artifact.hull, points: pointSet(artifact.points) },
    energy: target(artifact.energy),
    latency: target(artifact.latency),
  };
}

function check(artifact: unknown): asserts artifact is PredictorArtifact {
  const format = typeof artifact === 'object' && artifact !== null && 'format' in artifact ? artifact.format : undefined;
  if (format !== artifactFormat) throw unreadable(`the predictor's format is "${String(format)}"`);
  const { name, ...fields } = artifact as Record<string, unknown>;
  if (typeof name !== 'string' || name === '') throw unreadable('the predictor has no name');
  const problem = artifactProblem(fields);
  if (problem !== undefined) throw unreadable(`predictor ${name} ${problem}`);
}

function unreadable(problem: string): PredictorFormatError {
  return new PredictorFormatError(`${problem}: this program reads ${artifactFormat}; train the predictor again`);
}

/** A graph farther from all training graphs than this many reaches of the hull is out of domain. */
export const domainReaches = 1;
/** A transferred interval is at least this factor to either side. */
export const transferFactor = 2;

/** Bytes of a graph that was read without running are up to so many times too many: its lower bound is that much lower. */
export const staticFactor = 2;

export interface PredictOptions {
  confidencePercent: number;
  /** How the graph was read; absent: run, as the training networks were. */
  path?: GraphAnalysis['path'];
}

/** Joules (and seconds) per inference at batch one on a device with this key; under a millisecond. */
export function predict(predictor: Predictor, features: GraphFeatures, deviceKey: ClassKey, options: PredictOptions): Prediction {
  const { card } = predictor;
  const { mismatches, unknownParts } = matchKeys(card.key, deviceKey);
  const transferred = mismatches.length > 0;
  const query = queryOf(predictor.surroundings, features);
  const energy = estimateOf(predictor.energy, query, options, transferred);
  const latency = estimateOf(predictor.latency, query, options, transferred);
  return {
    predictor: `${predictor.name}@${predictor.version}`,
    boundary: card.boundary,
    quantity: card.quantity,
    joulesPerInference: { ...energy.value, confidencePercent: options.confidencePercent },
    latencySeconds: latency.value,
    inDomain: energy.inDomain,
    transferred,
    mismatches,
    unknownParts,
    method: methodOf(energy, transferred, card.calibration !== undefined, options.path),
  };
}

interface Outcome {
  value: Estimate;
  inDomain: boolean;
  borrowed: boolean;
}

function estimateOf(target: Target, query: Query, options: PredictOptions, transferred: boolean): Outcome {
  const { confidencePercent, path } = options;
  const { value } = evaluateLogModel(target.model, query);
  const inDomain = query.remoteness <= domainReaches;
  const { inside, outside } = target.calibration;
  const width = halfWidth(inside, outside, inDomain, confidencePercent);
  const factor = Math.exp(transferred ? Math.max(width.logHalfWidth, Math.log(transferFactor)) : width.logHalfWidth);
  const below = path === 'static' ? factor * staticFactor : factor;
  return { value: { estimate: value, lower: value / below, upper: value * factor }, inDomain, borrowed: width.borrowed };
}

function methodOf(
  { inDomain, borrowed }: Outcome,
  transferred: boolean,
  fromProbes: boolean,
  path: PredictOptions['path'],
): string {
  const notes = [
    fromProbes
      ? 'non-negative roofline with Gaussian process residual, fitted to probes, interval from left-out ones'
      : 'non-negative roofline with Gaussian process residual, conformal interval',
    ...(inDomain
      ? []
      : [
          `unlike the ${fromProbes ? 'probes: as wide as for a network that is like none' : 'training networks: interval from families never seen'}`,
        ]),
    ...(borrowed ? ['few scores: interval borrowed and widened'] : []),
    ...(transferred ? [`transferred: interval at least ÷${transferFactor} to ×${transferFactor}`] : []),
    ...(path === 'static' ? [`read without running: lower bound ÷${staticFactor} more`] : []),
  ];
  return notes.join('; ');
}

export interface Share {
  /** A node class, or what belongs to none. */
  part: NodeClass | 'overhead';
  joules: number;
  percent: number;
}

/** Which operators cost how much: the roofline's terms, scaled so that they add up to the estimate; largest first. */
export function explain(predictor: Predictor, features: GraphFeatures): Share[] {
  const terms = scaledTerms(predictor, features);
  if (!terms) return [];
  const parts: Share[] = (Object.keys(features.classes) as NodeClass[]).map((name) => ({
    part: name,
    ...terms.share(classAmounts(features, name)),
  }));
  parts.push({ part: 'overhead', ...terms.share([{ term: 'constant', amount: 1 }]) });
  return parts.filter(({ joules }) => joules > 0).sort((left, right) => right.joules - left.joules);
}

export interface LayerShare extends LayerCost {
  joules: number;
  percent: number;
}

/**
 * The same for every node, in execution order: with `explain`'s overhead they add up to the estimate. It shares a prediction out;
 * no node was measured.
 */
export function explainLayers(predictor: Predictor, features: GraphFeatures, layers: readonly LayerCost[]): LayerShare[] {
  const terms = scaledTerms(predictor, features);
  return terms ? layers.map((layer) => ({ ...layer, ...terms.share(layerAmounts(layer)) })) : [];
}

function scaledTerms(predictor: Predictor, features: GraphFeatures) {
  const { model } = predictor.energy;
  const { value, roofline } = evaluateLogModel(model, queryOf(predictor.surroundings, features));
  if (!(roofline > 0)) return undefined;
  const coefficients = new Map(rooflineTerms.map((term, index) => [term, model.roofline[index] ?? 0]));
  return {
    share: (amounts: readonly { term: RooflineTerm; amount: number }[]) => {
      const cost = amounts.reduce((sum, { term, amount }) => sum + (coefficients.get(term) ?? 0) * amount, 0);
      return { joules: (cost * value) / roofline, percent: (100 * cost) / roofline };
    },
  };
}
