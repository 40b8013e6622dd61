// Exponential waits with jitter, for one thing that fails.

export interface BackOffLimits {
  firstSeconds: number;
  maxSeconds: number;
}

/** Seconds before retry number `failures` (from 1). Jitter adds up to a quarter, so that a fleet does not march in step. */
export function backOffSeconds(failures: number, limits: BackOffLimits, random: number): number {
  // 2^30 first waits are beyond any maximum; the bound keeps the power finite for a thing that fails for months.
  const wait = limits.firstSeconds * 2 ** Math.min(failures - 1, 30);
  return Math.min(wait, limits.maxSeconds) * (1 + random / 4);
}
