// How good predictions are, in the terms of docs/energy.md.

export interface Scores {
  count: number;
  meanAbsolutePercent: number;
  medianAbsolutePercent: number;
  r2: number;
  /** Of logarithms: not dominated by a few large models. */
  logR2: number;
}

export function scoresOf(pairs: readonly { predicted: number; actual: number }[]): Scores {
  const errors = pairs.map(({ predicted, actual }) => (100 * Math.abs(predicted - actual)) / actual).sort((a, b) => a - b);
  return {
    count: pairs.length,
    meanAbsolutePercent: mean(errors),
    medianAbsolutePercent: quantile(errors, 0.5),
    r2: determination(pairs, (value) => value),
    logR2: determination(pairs, Math.log),
  };
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** Linear between the two nearest of sorted values. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

function determination(pairs: readonly { predicted: number; actual: number }[], scale: (value: number) => number): number {
  const centre = mean(pairs.map(({ actual }) => scale(actual)));
  let unexplained = 0;
  let total = 0;
  for (const { predicted, actual } of pairs) {
    unexplained += (scale(actual) - scale(predicted)) ** 2;
    total += (scale(actual) - centre) ** 2;
  }
  return 1 - unexplained / total;
}
