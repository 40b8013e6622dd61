import { minimumDetectableEnergy } from '../../energy/measurement/detectable-energy.ts';
import { formatEnergy } from '../../energy/units.ts';
import type { PowerSource } from '../power/power-source.ts';
import type { WindowResult } from './load-window.ts';
import { joulesPerInference, type Meterage } from './test-result.ts';

/** Joules per inference that a source can tell from nothing in such a window; of a whole window when `inferences` is 1. */
export function detectableJoules(source: PowerSource, window: { seconds: number; inferences: number }): number {
  const step = 'joules' in source.resolution ? { stepJoules: source.resolution.joules } : { stepWatts: source.resolution.watts };
  return minimumDetectableEnergy({ ...step, samplesPerSecond: 1000 / source.intervalMilliseconds }, window);
}

/** What to say when the measured energy is not above that; undefined when it is. */
export function belowResolution(
  windows: readonly WindowResult[],
  meterage: Pick<Meterage, 'boundary' | 'baseline'>,
  source: PowerSource,
): string | undefined {
  const samples = windows.map((window) => joulesPerInference(window, meterage)).filter((sample) => sample !== undefined);
  if (samples.length === 0) return undefined;
  const mean = samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
  const least = Math.max(...windows.map((window) => detectableJoules(source, window)));
  if (mean > least) return undefined;
  return `${source.name} cannot see less than ${formatEnergy(least)} per inference in a window like these, and the model used no more`;
}
