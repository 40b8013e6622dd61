// Does an interval hold what it says? Every held-out group meets an interval made from the other groups' errors alone.
import { conformalQuantile, minimumScores, thinScores } from '../conformal.ts';
import { domainReaches } from '../predictor.ts';
import type { OutOfFold } from './cross-validation.ts';
import { groupedFolds } from './folds.ts';

export interface Coverage {
  insidePermille: number;
  insideCount: number;
  outsidePermille?: number;
  outsideCount?: number;
}

const folds = 5;

/** Nested: the errors are already out of fold; their quantile is taken without the architecture it is tested on. */
export function intervalCoverage(results: readonly OutOfFold[], confidencePercent: number): Coverage {
  const inside = results.filter(({ remoteness }) => remoteness <= domainReaches);
  const outside = results.filter(({ remoteness }) => remoteness > domainReaches);
  return {
    insidePermille: share(inside, confidencePercent),
    insideCount: rowsIn(inside),
    ...(rowsIn(outside) < minimumScores
      ? {}
      : { outsidePermille: share(outside, confidencePercent), outsideCount: rowsIn(outside) }),
  };
}

function rowsIn(results: readonly OutOfFold[]): number {
  return new Set(results.map(({ row }) => row)).size;
}

function share(results: readonly OutOfFold[], confidencePercent: number): number {
  const foldOf = groupedFolds(
    results.map(({ row }) => row.architecture),
    folds,
    7,
  );
  let covered = 0;
  for (let fold = 0; fold < folds; fold += 1) {
    const scores = results.filter((_, index) => foldOf[index] !== fold).map(({ residual }) => Math.abs(residual));
    const width = conformalQuantile(thinScores(scores, scores.length), confidencePercent);
    for (const [index, { residual }] of results.entries())
      if (foldOf[index] === fold && Math.abs(residual) <= width) covered += 1;
  }
  return Math.round((1000 * covered) / Math.max(1, results.length));
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
