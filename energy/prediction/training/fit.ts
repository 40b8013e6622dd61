// Fits the model of one target from training rows.
import type { LogModel, Surroundings } from '../log-model.ts';
import { descriptorNames, descriptors, descriptorWeights, rooflineAmounts } from '../quantities.ts';
import {
  chooseParameters,
  fitGaussianProcess,
  type GaussianProcess,
  type GaussianProcessData,
  type KernelGrid,
  type KernelParameters,
  sessionOffset,
} from '../regression/gaussian-process.ts';
import { fitHull, standardize } from '../regression/hull.ts';
import { pointSet } from '../regression/point-set.ts';
import { evaluateRoofline, fitRoofline } from '../roofline.ts';
import { randomGenerator, shuffled } from './folds.ts';
import type { TrainingRow } from './training-row.ts';

export interface FitOptions {
  target: 'joules' | 'seconds';
  referenceSession: string;
  /** Given parameters skip the search: inner folds reuse what the outer data chose. */
  parameters?: KernelParameters;
  /** More rows than this train the residual on a sample of them; the roofline uses all. */
  maximumPoints?: number;
  /** Share of training architectures whose neighbour is within the hull's reach. */
  hullQuantile: number;
}

export interface Fit {
  model: LogModel;
  surroundings: Surroundings;
  /** Standardised descriptors of the training graphs, as the artifact stores them. */
  points: readonly (readonly number[])[];
  /** Log offset of every session against the reference. */
  sessionOffsets: ReadonlyMap<string, number>;
}

/** Searched by marginal likelihood; wide enough that the best is inside. */
function kernelGrid(hasSessions: boolean): KernelGrid {
  return {
    lengthScale: [0.25, 0.35, 0.5, 0.7, 1, 1.4, 2, 4, 8],
    matern: [0.003, 0.01, 0.02, 0.03, 0.06, 0.1],
    linear: [0.0003, 0.001, 0.003, 0.01, 0.03],
    constant: [0.01],
    session: hasSessions ? [0.001, 0.003, 0.01] : [0],
    noise: [0.0003, 0.0006, 0.001, 0.0017, 0.003, 0.006, 0.01],
  };
}

/** More rows than this only slow the search for kernel parameters down. */
const maximumSearchPoints = 300;
/** Of a large table, whose sample is drawn at random, half as many do: the errors differ by less than 0.01 points. */
const sampledSearchPoints = 150;
/** From fewer rows a residual learns the roofline's own noise: with 20 to 40 the roofline alone predicts better. */
const minimumResidualRows = 60;
const sampleSeed = 20_260_101;

export function fitLogModel(rows: readonly TrainingRow[], options: FitOptions): Fit {
  const { target } = options;
  const sample = sampleOf(rows, options.maximumPoints);
  const raw = sample.map((row) => prepared(row).descriptors);
  const hull = fitHull(
    raw,
    sample.map((row) => row.architecture),
    options.hullQuantile,
    descriptorWeights,
  );
  const points = raw.map((row) => standardize(hull, row));
  const hasSessions = new Set(rows.map((row) => row.session)).size > 1;
  let offsets = new Map<string, number>();
  let { parameters } = options;
  for (let pass = 0; ; pass += 1) {
    const corrected = rows.map((row) => row[target] / Math.exp(offsets.get(row.session) ?? 0));
    const roofline = fitRoofline(
      rows.map((row) => prepared(row).amounts),
      corrected,
    );
    const data: GaussianProcessData = {
      points,
      targets: sample.map((row) => Math.log(row[target] / evaluateRoofline(roofline, prepared(row).amounts))),
      sessions: sample.map((row) => row.session),
      referenceSession: options.referenceSession,
      noiseFactors: sample.map((row) => row.noiseFactor),
    };
    parameters ??= chooseParameters(
      firstRows(data, sample === rows ? maximumSearchPoints : sampledSearchPoints),
      kernelGrid(hasSessions),
    );
    const process =
      sample.length < minimumResidualRows ? noResidual(parameters, sample.length) : fitGaussianProcess(data, parameters);
    offsets = new Map([...new Set(data.sessions)].map((session) => [session, sessionOffset(data, process, session)]));
    if (pass === 1 || !hasSessions)
      return { model: { roofline, process }, surroundings: { hull, points: pointSet(points) }, points, sessionOffsets: offsets };
  }
}

function noResidual(parameters: KernelParameters, points: number): GaussianProcess {
  return {
    parameters,
    weights: Array.from<number>({ length: points }).fill(0),
    slope: descriptorNames.map(() => 0),
    intercept: 0,
  };
}

interface Prepared {
  amounts: readonly number[];
  descriptors: readonly number[];
}

/** A row stands in many folds and is prepared once. */
const preparedRows = new WeakMap<TrainingRow, Prepared>();

export function prepared(row: TrainingRow): Prepared {
  const known = preparedRows.get(row) ?? {
    amounts: rooflineAmounts(row.features, row.batch),
    descriptors: descriptors(row.features, row.batch),
  };
  preparedRows.set(row, known);
  return known;
}

/** In random order when it is a sample, so that its beginning is a sample too. */
function sampleOf(rows: readonly TrainingRow[], maximum: number | undefined): readonly TrainingRow[] {
  if (maximum === undefined || rows.length <= maximum) return rows;
  return shuffled(rows, randomGenerator(sampleSeed)).slice(0, maximum);
}

function firstRows(data: GaussianProcessData, count: number): GaussianProcessData {
  return {
    ...data,
    points: data.points.slice(0, count),
    targets: data.targets.slice(0, count),
    sessions: data.sessions.slice(0, count),
    ...(data.noiseFactors ? { noiseFactors: data.noiseFactors.slice(0, count) } : {}),
  };
}
