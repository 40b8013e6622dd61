// The predictors at hand, and which of them answers a question. Reading files is the caller's part.
import type { GraphAnalysis, GraphFeatures } from '../graph/analysis.ts';
import type { Boundary, ClassKey, Prediction } from './prediction.ts';
import { type Predictor, PredictorFormatError, parsePredictor, predict } from './predictor.ts';
import { type Category, categoryOf } from './recommendation.ts';
import type { Scores } from './training/scores.ts';

export interface CatalogueFiles {
  /** File names of the predictors' folder. */
  list(): Promise<string[]>;
  read(name: string): Promise<string>;
}

export interface CatalogueEntry {
  predictor: Predictor;
  file: string;
}

/** Every `*.json` of the folder, in the order of the names. @throws PredictorFormatError naming the file that is none. */
export async function loadCatalogue(files: CatalogueFiles): Promise<CatalogueEntry[]> {
  const names = (await files.list()).filter((name) => name.endsWith('.json')).sort();
  return await Promise.all(names.map(async (file) => ({ file, predictor: parsePredictorFile(file, await files.read(file)) })));
}

/** @throws PredictorFormatError naming the file. */
export function parsePredictorFile(file: string, text: string): Predictor {
  try {
    return parsePredictor(text);
  } catch (error) {
    if (!(error instanceof PredictorFormatError)) throw error;
    throw new PredictorFormatError(`${file}: ${error.message}`, { cause: error });
  }
}

/** A simulated class borrows the predictors of what it simulates. */
export function baseClass(deviceClass: string): string {
  return deviceClass.replace(/-simulated$/, '');
}

export function predictorsOfClass(predictors: readonly Predictor[], deviceClass: string): Predictor[] {
  const own = predictors.filter(({ card }) => card.deviceClass === deviceClass);
  return own.length > 0 ? own : predictors.filter(({ card }) => card.deviceClass === baseClass(deviceClass));
}

export interface Choice {
  deviceClass: string;
  boundary?: Boundary;
  runtime?: string;
}

/**
 * Without a boundary: Board where the class has it. Without a runtime the predictor answers for its own key, so nothing is
 * transferred. Undefined when the class has no predictor (of that boundary).
 */
export function choosePredictor(
  predictors: readonly Predictor[],
  { deviceClass, boundary, runtime }: Choice,
): Predictor | undefined {
  const ofClass = predictorsOfClass(predictors, deviceClass);
  const wanted = boundary ?? (ofClass.some(({ card }) => card.boundary === 'Board') ? 'Board' : ofClass[0]?.card.boundary);
  const atBoundary = ofClass.filter(({ card }) => card.boundary === wanted);
  return atBoundary.find(({ card }) => runtime === undefined || card.key.runtime === runtime) ?? atBoundary[0];
}

/** The key that the question is asked for: the predictor's own, with the runtime that was named and the file's own precision. */
export function askedKey({ card: { key } }: Predictor, precision: string, runtime: string | undefined): ClassKey {
  if (runtime === undefined || runtime === key.runtime) return { ...key, precision };
  // Of another runtime nothing but the board is known to be the same.
  return { ...(key.board === undefined ? {} : { board: key.board }), runtime, precision };
}

/** What `jouleops predict --output json` prints: plain SI numbers. */
export interface PredictionReport {
  deviceClass: string;
  key: ClassKey;
  boundary: Boundary;
  quantity: Prediction['quantity'];
  predictor: string;
  joulesPerInference: Prediction['joulesPerInference'];
  latencySeconds: number | null;
  latencySecondsInterval: Prediction['latencySeconds'] | null;
  /** By the quartiles of what was measured on the class; null for a network unlike those, and without quartiles. */
  category: Category | null;
  /** Of the predictor on networks that training did not see: new ones of known kinds, or of kinds never seen where this one is unlike all. */
  error: Pick<Scores, 'meanAbsolutePercent' | 'medianAbsolutePercent'> | null;
  inDomain: boolean;
  transferred: boolean;
  mismatches: string[];
  unknownParts: string[];
  method: string;
  scaleAssumed: boolean;
  assumptions: string[];
  /** `static`: the file was too large to run, so patterns that a runtime fuses are counted apart. */
  path: GraphAnalysis['path'];
  features: GraphFeatures;
}

/** What was measured for another key says nothing of this one. */
function errorOf({ card: { scores } }: Predictor, { inDomain, transferred }: Prediction): PredictionReport['error'] {
  const found = inDomain ? scores.byArchitecture : scores.byFamily;
  if (!found || transferred) return null;
  const { meanAbsolutePercent, medianAbsolutePercent } = found;
  return { meanAbsolutePercent, medianAbsolutePercent };
}

export function reportPrediction(
  predictor: Predictor,
  { features, precision, path }: Pick<GraphAnalysis, 'features' | 'precision' | 'path'>,
  question: Choice & { confidencePercent: number },
): PredictionReport {
  const key = askedKey(predictor, precision, question.runtime);
  const prediction = predict(predictor, features, key, { confidencePercent: question.confidencePercent, path });
  return {
    deviceClass: question.deviceClass,
    key,
    boundary: prediction.boundary,
    quantity: prediction.quantity,
    predictor: prediction.predictor,
    joulesPerInference: prediction.joulesPerInference,
    latencySeconds: prediction.latencySeconds?.estimate ?? null,
    latencySecondsInterval: prediction.latencySeconds ?? null,
    category: prediction.inDomain ? categoryOf(prediction.joulesPerInference.estimate, predictor.card.catalogue) : null,
    error: errorOf(predictor, prediction),
    inDomain: prediction.inDomain,
    transferred: prediction.transferred,
    mismatches: prediction.mismatches,
    unknownParts: prediction.unknownParts,
    method: prediction.method,
    scaleAssumed: predictor.card.scaleAssumed,
    assumptions: predictor.card.assumptions,
    path,
    features,
  };
}
