// The energies of one window of serving, each under its own name: they answer different questions and are never mixed.

export interface ServingWindow {
  /** Everything the meter counted, joules. */
  joules: number;
  seconds: number;
  inferences: number;
  /** Time that one inference keeps the device busy. */
  secondsPerInference: number;
  /** At the meter's boundary; undefined when unknown. */
  idleWatts?: number | undefined;
}

export type EnergyOutcome =
  | { kind: 'energy'; joules: number }
  | { kind: 'absent'; reason: 'NoInferences' | 'NoIdlePower' | 'LoadExceedsCapacity' };

/** Depends on the load: shown, never compared with a budget. */
export function windowEnergy({ joules, inferences }: ServingWindow): EnergyOutcome {
  return inferences > 0 ? { kind: 'energy', joules: joules / inferences } : { kind: 'absent', reason: 'NoInferences' };
}

/** What an inference adds: (E − P_idle · T) / N. Noise may make it negative; that is not hidden here. */
export function marginalEnergy(window: ServingWindow): EnergyOutcome {
  const { joules, seconds, inferences, idleWatts } = window;
  const absent = unusable(window);
  if (absent) return absent;
  return { kind: 'energy', joules: (joules - (idleWatts ?? 0) * seconds) / inferences };
}

/** Energy of the board while it serves back to back, from a window at any load: marginal + P_idle · t. */
export function activeEnergy(window: ServingWindow): EnergyOutcome {
  const marginal = marginalEnergy(window);
  if (marginal.kind === 'absent') return marginal;
  return { kind: 'energy', joules: marginal.joules + (window.idleWatts ?? 0) * window.secondsPerInference };
}

/** What the board draws with these models on it: idle once, and each one's rate × marginal energy. Watts. */
export function wholePower(idleWatts: number, loads: readonly { perSecond: number; marginalJoules: number }[]): number {
  return loads.reduce((sum, { perSecond, marginalJoules }) => sum + perSecond * marginalJoules, idleWatts);
}

function unusable({ seconds, inferences, secondsPerInference, idleWatts }: ServingWindow): EnergyOutcome | undefined {
  if (inferences <= 0) return { kind: 'absent', reason: 'NoInferences' };
  if (idleWatts === undefined) return { kind: 'absent', reason: 'NoIdlePower' };
  // A little above one is timing jitter of a device that is simply busy.
  if (inferences * secondsPerInference > 1.05 * seconds) return { kind: 'absent', reason: 'LoadExceedsCapacity' };
  return undefined;
}
