/**
 * Seconds before try number `attempt` (from 1): doubling from `first` to `maximum`, with full jitter on the upper half
 * so that a fleet that lost its controller does not come back in one second.
 */
export function retrySeconds(attempt: number, first: number, maximum: number, random: () => number = Math.random): number {
  const full = Math.min(maximum, first * 2 ** Math.min(attempt - 1, 20));
  return full * (0.5 + 0.5 * random());
}
