import { formatEnergy } from '../../energy/units.ts';
import type { PowerSource } from '../power/power-source.ts';
import type { WindowResult } from './load-window.ts';
import { joulesPerInference, type Meterage } from './test-result.ts';

/**
 * The least energy per inference that a source can tell from nothing: the step of its reading over a window, averaged over the
 * window's readings, spread over its inferences.
 */
export function minimumDetectableJoules(source: PowerSource, window: { seconds: number; inferences: number }): number {
  const inferences = Math.max(1, window.inferences);
  if ('joules' in source.resolution) return source.resolution.joules / inferences;
  const readings = Math.max(1, (window.seconds * 1000) / source.intervalMilliseconds);
  return (source.resolution.watts * window.seconds) / Math.sqrt(12 * readings) / inferences;
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
  const least = Math.max(...windows.map((window) => minimumDetectableJoules(source, window)));
  if (mean > least) return undefined;
  return `${source.name} cannot see less than ${formatEnergy(least)} per inference in a window like these, and the model used no more`;
}
