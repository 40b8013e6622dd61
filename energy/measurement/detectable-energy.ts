// The smallest energy per inference that a power source can tell from nothing.
import { normalQuantile } from './student-t.ts';

export interface SourceResolution {
  /** Step of a power reading, watts (40 mW for an Orin's INA3221). */
  stepWatts?: number;
  /** Step of an energy counter, joules. */
  stepJoules?: number;
  /** Readings per second of a power source. */
  samplesPerSecond: number;
}

const confidence = 0.95;

/**
 * Joules per inference for a window of `seconds` with `inferences`, compared with a baseline window of equal length. A power
 * reading may stand half a step off without showing it, plus what averaging leaves of the rounding; a counter is one step off at most.
 */
export function minimumDetectableEnergy(source: SourceResolution, window: { seconds: number; inferences: number }): number {
  const { stepWatts = 0, stepJoules = 0, samplesPerSecond } = source;
  const samples = Math.max(1, samplesPerSecond * window.seconds);
  const rounding = normalQuantile(confidence) * stepWatts * Math.sqrt(2 / (12 * samples));
  const joules = (stepWatts / 2 + rounding) * window.seconds + stepJoules;
  return joules / Math.max(1, window.inferences);
}
