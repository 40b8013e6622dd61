// One board's measurements hidden but for a few, another board's predictor at hand: how far do the few carry?
import { type BoardMeasurement, fitBoard, leaveOneOut } from '../../../energy/calibration/board-fit.ts';
import { boardIntervals } from '../../../energy/calibration/board-intervals.ts';
import { kMeans, nearestPoints } from '../../../energy/calibration/k-means.ts';
import { evaluateLogModel, queryOf } from '../../../energy/prediction/log-model.ts';
import { domainReaches, type Predictor } from '../../../energy/prediction/predictor.ts';
import { descriptors, descriptorWeights } from '../../../energy/prediction/quantities.ts';
import { halfWidth } from '../../../energy/prediction/regression/conformal.ts';
import { fitHull, standardize } from '../../../energy/prediction/regression/hull.ts';
import { fitLogModel } from '../../../energy/prediction/training/fit.ts';
import { randomGenerator, shuffled } from '../../../energy/prediction/training/folds.ts';
import { mean, scoresOf } from '../../../energy/prediction/training/scores.ts';
import type { TrainingRow } from '../../../energy/prediction/training/training-row.ts';

export interface FewShotQuestion {
  /** Predictor of the other board. */
  source: Predictor;
  /** Rows of this board, one session. */
  rows: readonly TrainingRow[];
  /** Networks whose features say what real networks are like: standardises the space that is chosen in. */
  real: readonly TrainingRow[];
  counts: readonly number[];
  /** Choices per count. */
  draws: number;
}

export const fewShotCounts: readonly number[] = [3, 5, 10, 20, 40];
/** About what the meter of these tables repeats one network by. */
const measurementLogVariance = 0.02 ** 2;
const firstSeed = 100;

type Method = 'calibrated' | 'random choice' | 'source × constant' | 'MACs × constant' | 'from scratch';
export const methods: readonly Method[] = ['calibrated', 'random choice', 'source × constant', 'MACs × constant', 'from scratch'];

export interface FewShotScore {
  count: number;
  /** Mean error over the draws, in percent, by method; of calibrated ones also the least and the largest. */
  errors: Record<Method, number>;
  least: number;
  largest: number;
  /** Share of the other networks inside their 90 % interval, and its mean half-width as a factor. */
  covered: number;
  halfWidthFactor: number;
}

/** Rows to measure, by their indices: chosen by k-means, and as many at random. */
export interface Choice {
  chosen: readonly number[];
  random: readonly number[];
}

export function choicesOf({ rows, real, draws }: FewShotQuestion): (count: number) => Choice[] {
  const hull = fitHull(
    real.map((row) => descriptors(row.features, row.batch)),
    real.map(({ architecture }) => architecture),
    0.95,
    descriptorWeights,
  );
  const points = rows.map((row) => standardize(hull, descriptors(row.features, row.batch)));
  return (count) =>
    Array.from({ length: draws }, (_, draw) => {
      const random = randomGenerator(firstSeed + draw);
      const chosen = nearestPoints(points, kMeans(points, count, random));
      return { chosen, random: shuffled([...rows.keys()], random).slice(0, count) };
    });
}

export function fewShot(question: FewShotQuestion): FewShotScore[] {
  const choices = choicesOf(question);
  return question.counts.map((count) => {
    const draws = choices(count).map((choice) => judge(question, choice));
    const calibrated = draws.map(({ errors }) => errors.calibrated);
    return {
      count,
      errors: Object.fromEntries(methods.map((method) => [method, mean(draws.map(({ errors }) => errors[method]))])) as Record<
        Method,
        number
      >,
      least: Math.min(...calibrated),
      largest: Math.max(...calibrated),
      covered: mean(draws.map(({ covered }) => covered)),
      halfWidthFactor: Math.exp(mean(draws.map(({ logHalfWidth }) => logHalfWidth))),
    };
  });
}

function judge({ source, rows }: FewShotQuestion, { chosen, random }: Choice) {
  const measured = measurementsOf(rows, chosen);
  const fit = fitBoard(source, measured, 'energy');
  const { inside, outside } = boardIntervals(source, fit, leaveOneOut(source, measured, 'energy'));
  const others = othersThan(rows, measured);
  const outcomes = others.map((row) => {
    const query = queryOf(fit.surroundings, row.features, row.batch);
    const predicted = evaluateLogModel(fit.model, query).value;
    const { logHalfWidth } = halfWidth(inside, outside, query.remoteness <= domainReaches, 90);
    return { predicted, actual: row.joules, logHalfWidth, covered: Math.abs(Math.log(row.joules / predicted)) <= logHalfWidth };
  });
  const atRandom = measurementsOf(rows, random);
  const randomFit = fitBoard(source, atRandom, 'energy');
  const scratch = fitLogModel(
    chosen.flatMap((index) => rows[index] ?? []),
    { target: 'joules', referenceSession: rows[0]?.session ?? '', hullQuantile: 0.95 },
  );
  const errors: Record<Method, number> = {
    calibrated: scoresOf(outcomes).meanAbsolutePercent,
    'random choice': errorOf(
      othersThan(rows, atRandom),
      (row) => evaluateLogModel(randomFit.model, queryOf(randomFit.surroundings, row.features, row.batch)).value,
    ),
    'source × constant': scaledError(
      others,
      measured,
      ({ features, batch }) => evaluateLogModel(source.energy.model, queryOf(source.surroundings, features, batch)).value,
    ),
    'MACs × constant': scaledError(others, measured, ({ features }) => features.macs),
    'from scratch': errorOf(
      others,
      (row) => evaluateLogModel(scratch.model, queryOf(scratch.surroundings, row.features, row.batch)).value,
    ),
  };
  return {
    errors,
    covered: mean(outcomes.map(({ covered }) => Number(covered))),
    logHalfWidth: mean(outcomes.map(({ logHalfWidth }) => logHalfWidth)),
  };
}

export function measurementsOf(rows: readonly TrainingRow[], indices: readonly number[]): BoardMeasurement[] {
  return indices.flatMap((index) => {
    const row = rows[index];
    if (!row) return [];
    const { architecture: network, features, batch, joules: value } = row;
    return [{ network, features, batch, value, logVariance: measurementLogVariance }];
  });
}

export function othersThan(rows: readonly TrainingRow[], measured: readonly BoardMeasurement[]): TrainingRow[] {
  const known = new Set(measured.map(({ network }) => network));
  return rows.filter(({ architecture }) => !known.has(architecture));
}

function errorOf(rows: readonly TrainingRow[], predict: (row: TrainingRow) => number): number {
  return scoresOf(rows.map((row) => ({ predicted: predict(row), actual: row.joules }))).meanAbsolutePercent;
}

/** One factor from the measured ones: the one with the least squared relative errors on them. */
function scaledError(
  rows: readonly TrainingRow[],
  measured: readonly BoardMeasurement[],
  raw: (of: Pick<BoardMeasurement, 'features' | 'batch'>) => number,
): number {
  const ratios = measured.map((one) => raw(one) / one.value);
  const factor = mean(ratios) / mean(ratios.map((ratio) => ratio ** 2));
  return errorOf(rows, (row) => factor * raw(row));
}

export function fewShotTable(title: string, question: FewShotQuestion): string {
  const percent = (value: number) => `${value.toFixed(1)} %`;
  const architectures = new Set(question.rows.map(({ architecture }) => architecture)).size;
  return [
    `### ${title}`,
    `${question.rows.length} rows of ${architectures} networks; the other board's predictor is ${question.source.name}; ${question.draws} choices each, errors on the networks that were not chosen.`,
    '',
    `| measured networks | calibrated: mean error (least to largest of the choices) | inside the 90 % interval, half-width | chosen at random | source × constant | MACs × constant | from scratch |`,
    '|---|---|---|---|---|---|---|',
    ...fewShot(question).map(
      ({ count, errors, least, largest, covered, halfWidthFactor }) =>
        `| ${count} | **${percent(errors.calibrated)}** (${least.toFixed(1)} to ${largest.toFixed(1)}) | ${percent(100 * covered)}, ×${halfWidthFactor.toFixed(2)} | ${percent(errors['random choice'])} | ${percent(errors['source × constant'])} | ${percent(errors['MACs × constant'])} | ${percent(errors['from scratch'])} |`,
    ),
  ].join('\n');
}
