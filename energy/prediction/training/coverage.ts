// Does an interval hold what it says? Nested folds: what makes the interval has not seen the graph it is tested on.
import { evaluateLogModel, queryAt } from '../log-model.ts';
import { domainReaches } from '../predictor.ts';
import { halfWidth, minimumScores } from '../regression/conformal.ts';
import { calibrate } from './calibration.ts';
import { outOfFold, type ValidationOptions } from './cross-validation.ts';
import { fitLogModel, prepared } from './fit.ts';
import { groupedFolds } from './folds.ts';
import type { TrainingRow } from './training-row.ts';

export interface CoverageOptions extends ValidationOptions {
  hasFamilies: boolean;
  confidencePercent: number;
}

/** Scores that an interval of a nested fold stands on, at least: ten times more would not move a 90 % quantile. */
const enoughScores = 2000;

export interface CoverageTrial {
  row: TrainingRow;
  inside: boolean;
  covered: boolean;
  logHalfWidth: number;
}

/** One trial per scored row: fit and calibrate on the other folds (by inner folds), then look whether the row is inside. */
export function nestedCoverage(rows: readonly TrainingRow[], options: CoverageOptions): CoverageTrial[] {
  const foldOf = groupedFolds(
    rows.map((row) => row[options.groupBy]),
    options.folds,
    options.seed,
  );
  const trials: CoverageTrial[] = [];
  for (let fold = 0; fold < options.folds; fold += 1) {
    const training = rows.filter((_, index) => foldOf[index] !== fold);
    const { model, surroundings, sessionOffsets } = fitLogModel(training, options);
    // The kernel was chosen without the tested fold: the inner folds need not choose again.
    const inner = { ...options, parameters: model.process.parameters, enough: enoughScores };
    const calibration = calibrate({
      byArchitecture: outOfFold(training, inner),
      ...(options.hasFamilies
        ? { byFamily: outOfFold(training, { ...inner, groupBy: 'family', folds: training.length, seed: options.seed + fold }) }
        : {}),
    });
    for (const [index, row] of rows.entries()) {
      if (foldOf[index] !== fold || options.scored?.(row) === false) continue;
      const query = queryAt(surroundings, prepared(row).descriptors, prepared(row).amounts);
      const inside = query.remoteness <= domainReaches;
      const { logHalfWidth } = halfWidth(calibration.inside, calibration.outside, inside, options.confidencePercent);
      const predicted = evaluateLogModel(model, query).value * Math.exp(sessionOffsets.get(row.session) ?? 0);
      trials.push({ row, inside, covered: Math.abs(Math.log(row[options.target] / predicted)) <= logHalfWidth, logHalfWidth });
    }
  }
  return trials;
}

export interface Coverage {
  insidePermille: number;
  insideCount: number;
  /** Absent where too few rows fell outside to say anything. */
  outsidePermille?: number;
  outsideCount?: number;
}

export function summarizeCoverage(trials: readonly CoverageTrial[]): Coverage {
  const inside = trials.filter((trial) => trial.inside);
  const outside = trials.filter((trial) => !trial.inside);
  const permille = (list: readonly CoverageTrial[]) =>
    Math.round((1000 * list.filter(({ covered }) => covered).length) / Math.max(1, list.length));
  return {
    insidePermille: permille(inside),
    insideCount: inside.length,
    ...(outside.length < minimumScores ? {} : { outsidePermille: permille(outside), outsideCount: outside.length }),
  };
}

/** Exact (Clopper–Pearson) two-sided interval of a share, by bisection on the binomial distribution. */
export function binomialInterval(successes: number, trials: number, confidencePercent: number): [number, number] {
  const tail = (1 - confidencePercent / 100) / 2;
  const lower = successes === 0 ? 0 : bisect((share) => 1 - binomialCumulative(successes - 1, trials, share) - tail);
  const upper = successes === trials ? 1 : bisect((share) => tail - binomialCumulative(successes, trials, share));
  return [lower, upper];
}

/** Root of an increasing function on [0, 1]. */
function bisect(increasing: (share: number) => number): number {
  let low = 0;
  let high = 1;
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (increasing(middle) > 0) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}

function binomialCumulative(successes: number, trials: number, share: number): number {
  let sum = 0;
  let logTerm = trials * Math.log1p(-share);
  for (let k = 0; k <= successes; k += 1) {
    sum += Math.exp(logTerm);
    logTerm += Math.log((trials - k) / (k + 1)) + Math.log(share) - Math.log1p(-share);
  }
  return Math.min(1, sum);
}
