// Intervals from the sizes of out-of-fold errors (Vovk, Gammerman and Shafer, 2005): no assumption on their distribution.

export interface ConformalScores {
  /** Absolute log residuals of graphs that training did not see, ascending. */
  sorted: readonly number[];
  /** How many residuals stand behind them: a long list is shipped thinned out. */
  count: number;
}

/** Below this a 90 % interval would be the largest score seen: too few to promise anything. */
export const minimumScores = 19;
/** What too few scores are widened by. */
const widening = 1.25;

export interface HalfWidth {
  /** Half-width of the interval of log energy. */
  logHalfWidth: number;
  /** Few scores of its own: borrowed from the other side of the hull and widened. */
  borrowed: boolean;
}

/** The k-th smallest score with k = ⌈(n + 1) · confidence⌉, so that coverage holds for finite n. */
export function conformalQuantile(scores: ConformalScores, confidencePercent: number): number {
  const { sorted, count } = scores;
  const rank = Math.ceil(((count + 1) * confidencePercent) / 100 - 1e-9);
  const largest = sorted[sorted.length - 1] ?? Math.LN2;
  // Beyond the last score nothing is known: widen in proportion to what is asked for.
  if (rank > count) return largest * 1.5;
  // Between two scores of a list that was thinned out; exactly the rank's own where it was not.
  const at = Math.max(0, (rank / count) * sorted.length - 1);
  const below = sorted[Math.floor(at + 1e-9)] ?? largest;
  const above = sorted[Math.ceil(at - 1e-9)] ?? largest;
  return below + (above - below) * Math.max(0, at - Math.floor(at + 1e-9));
}

/** Mondrian: graphs like the training's and graphs unlike them have scores of their own. */
export function halfWidth(
  inside: ConformalScores,
  outside: ConformalScores,
  inDomain: boolean,
  confidencePercent: number,
): HalfWidth {
  const own = inDomain ? inside : outside;
  if (own.count >= minimumScores) return { logHalfWidth: conformalQuantile(own, confidencePercent), borrowed: false };
  const all = [...inside.sorted, ...outside.sorted].sort((left, right) => left - right);
  return { logHalfWidth: widening * conformalQuantile({ sorted: all, count: all.length }, confidencePercent), borrowed: true };
}

/** At most `maximum` scores that keep the quantiles. */
export function thinScores(scores: readonly number[], maximum: number): ConformalScores {
  const sorted = [...scores].sort((left, right) => left - right);
  if (sorted.length <= maximum) return { sorted, count: sorted.length };
  const thinned = Array.from(
    { length: maximum },
    (_, index) => sorted[Math.ceil(((index + 1) / maximum) * sorted.length) - 1] ?? 0,
  );
  return { sorted: thinned, count: sorted.length };
}
