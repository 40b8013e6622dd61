// From rows to an artifact: fit, score on grouped folds, calibrate intervals, write the card. Same rows, same bytes.
import type { PredictorCard } from '../card.ts';
import type { Boundary, ClassKey, Quantity } from '../prediction.ts';
import { artifactFormat, type Calibration, type PredictorArtifact, type StoredModel } from '../predictor.ts';
import { descriptorNames, descriptors, rooflineTerms } from '../quantities.ts';
import { conformalQuantile } from '../regression/conformal.ts';
import { macsBaseline } from './baselines.ts';
import { calibrate, type Folds } from './calibration.ts';
import { type CoverageOptions, nestedCoverage, summarizeCoverage } from './coverage.ts';
import { outOfFold, type ValidationOptions } from './cross-validation.ts';
import { type Fit, type FitOptions, fitLogModel } from './fit.ts';
import { quantile, scoresOf } from './scores.ts';
import type { TrainingRow } from './training-row.ts';

export interface TrainingPlan {
  name: string;
  version: number;
  deviceClass: string;
  key: ClassKey;
  boundary: Boundary;
  quantity: Quantity;
  referenceSession: string;
  /** Only rows of these sessions are scored and calibrate the interval; all train. */
  scoredSessions?: readonly string[];
  assumptions: string[];
  scaleAssumed: boolean;
  data: { file: string; sha256: string }[];
  manifest: string;
  date: string;
  extractorVersion: number;
  folds: number;
  repeats: number;
  /** Whether the table has families to hold out. */
  hasFamilies: boolean;
  maximumPoints?: number;
  hullQuantile: number;
}

const seed = 1;
const cardConfidencePercent = 90;

export function fitOptions(plan: TrainingPlan, target: FitOptions['target']): FitOptions {
  const { referenceSession, hullQuantile, maximumPoints } = plan;
  return { target, referenceSession, hullQuantile, ...(maximumPoints === undefined ? {} : { maximumPoints }) };
}

export function validationOptions(
  plan: TrainingPlan,
  target: FitOptions['target'],
  groupBy: ValidationOptions['groupBy'],
): ValidationOptions {
  const { scoredSessions } = plan;
  return {
    ...fitOptions(plan, target),
    groupBy,
    folds: groupBy === 'family' ? 1000 : plan.folds,
    repeats: groupBy === 'family' ? 1 : plan.repeats,
    seed,
    ...(scoredSessions ? { scored: (row: TrainingRow) => scoredSessions.includes(row.session) } : {}),
  };
}

export function coverageOptions(plan: TrainingPlan): CoverageOptions {
  return {
    ...validationOptions(plan, 'joules', 'architecture'),
    repeats: 1,
    hasFamilies: plan.hasFamilies,
    confidencePercent: cardConfidencePercent,
  };
}

/** `onStep` hears what comes next. */
export function trainPredictor(
  rows: readonly TrainingRow[],
  plan: TrainingPlan,
  onStep: (step: string) => void = () => undefined,
): PredictorArtifact {
  onStep(`fitting ${rows.length} rows`);
  const energy = fitLogModel(rows, fitOptions(plan, 'joules'));
  const latency = fitLogModel(rows, fitOptions(plan, 'seconds'));
  onStep('scoring energy on networks held out');
  const energyFolds = validate(rows, plan, 'joules');
  onStep('scoring latency on networks held out');
  const latencyFolds = validate(rows, plan, 'seconds');
  const { hull } = energy.surroundings;
  const calibration = calibrate(energyFolds);
  onStep('testing the interval on nested folds');
  const scored = energyFolds.byArchitecture.map(({ row }) => row);
  const card: PredictorCard = {
    deviceClass: plan.deviceClass,
    key: plan.key,
    boundary: plan.boundary,
    quantity: plan.quantity,
    data: plan.data,
    manifest: plan.manifest,
    rows: rows.length,
    architectures: new Set(rows.map(({ architecture }) => architecture)).size,
    referenceSession: plan.referenceSession,
    assumptions: plan.assumptions,
    scaleAssumed: plan.scaleAssumed,
    scores: scoreCard(energyFolds),
    latencyScores: scoreCard(latencyFolds),
    baselines: [
      {
        name: 'MACs × constant',
        scores: rounded(scoresOf(macsBaseline(rows, validationOptions(plan, 'joules', 'architecture')))),
      },
    ],
    coverage: {
      confidencePercent: cardConfidencePercent,
      ...summarizeCoverage(nestedCoverage(rows, coverageOptions(plan))),
      halfWidthFactor: precise(Math.exp(conformalQuantile(calibration.inside, cardConfidencePercent)), 4),
    },
    featureRanges: featureRanges(scored),
    catalogue: catalogueOf(rows.filter((row) => plan.scoredSessions?.includes(row.session) ?? true)),
    extractorVersion: plan.extractorVersion,
    date: plan.date,
  };
  return {
    format: artifactFormat,
    name: plan.name,
    version: plan.version,
    card,
    descriptors: [...descriptorNames],
    hull: { means: precision(hull.means), scales: precision(hull.scales), reach: precise(hull.reach, 6) },
    points: energy.points.map((point) => precision(point)),
    energy: stored(energy, calibration),
    latency: stored(latency, calibrate(latencyFolds)),
  };
}

function validate(rows: readonly TrainingRow[], plan: TrainingPlan, target: FitOptions['target']): Folds {
  const byFamily = plan.hasFamilies ? outOfFold(rows, validationOptions(plan, target, 'family')) : [];
  return {
    byArchitecture: outOfFold(rows, validationOptions(plan, target, 'architecture')),
    ...(byFamily.length > 0 ? { byFamily } : {}),
  };
}

function scoreCard({ byArchitecture, byFamily }: Folds) {
  return {
    byArchitecture: rounded(scoresOf(byArchitecture)),
    ...(byFamily ? { byFamily: rounded(scoresOf(byFamily)) } : {}),
  };
}

function rounded<T extends object>(scores: T): T {
  // Counts stay whole.
  const short = (value: number) => (Number.isInteger(value) ? value : precise(value, 4));
  return Object.fromEntries(Object.entries(scores).map(([name, value]) => [name, short(value as number)])) as T;
}

/** Quartiles of energy per inference. */
function catalogueOf(rows: readonly TrainingRow[]) {
  const sorted = rows.map(({ joules }) => joules).sort((left, right) => left - right);
  const at = (share: number) => precise(quantile(sorted, share), 4);
  return { p25: at(0.25), p50: at(0.5), p75: at(0.75) };
}

function featureRanges(rows: readonly TrainingRow[]): Record<string, [number, number]> {
  const all = rows.map((row) => descriptors(row.features, row.batch));
  return Object.fromEntries(
    descriptorNames.map((name, index) => {
      const values = all.map((row) => row[index] ?? 0);
      return [
        name,
        [
          precise(
            values.reduce((a, b) => Math.min(a, b)),
            4,
          ),
          precise(
            values.reduce((a, b) => Math.max(a, b)),
            4,
          ),
        ],
      ];
    }),
  );
}

function stored({ model }: Fit, calibration: Calibration): StoredModel {
  const { process } = model;
  return {
    roofline: Object.fromEntries(
      rooflineTerms.flatMap((term, index) => {
        const coefficient = model.roofline[index] ?? 0;
        return coefficient > 0 ? [[term, precise(coefficient, 6)] as const] : [];
      }),
    ),
    parameters: process.parameters,
    weights: precision(process.weights),
    slope: precision(process.slope),
    intercept: precise(process.intercept, 6),
    calibration,
  };
}

/** Parameters far below the noise need no more digits, and short numbers keep the file small. */
function precision(values: readonly number[]): number[] {
  // A rounding error on a descriptor that never varies is not a difference.
  return values.map((value) => (Math.abs(value) < 1e-9 ? 0 : precise(value, 5)));
}

function precise(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}
