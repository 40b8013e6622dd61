// Why there is no energy of a model in operation. Pure.
import { formatEnergy } from '../../energy/units.ts';
import type { PowerMeter } from '../power/power-meter.ts';
import type { PowerSource } from '../power/power-source.ts';
import type { OperationWindow } from './operation-windows.ts';
import { detectableJoules } from './resolution.ts';

export interface Seen {
  meter: Pick<PowerMeter, 'source' | 'asked' | 'up'>;
  /** Windows with a baseline, in which the model alone was at work and the board was not throttled. */
  windows: readonly OperationWindow[];
  /** The last window had none. */
  lacksBaseline: boolean;
  throttledWindows: number;
  minimumWindows: number;
  minimumInferences: number;
}

export function whyNoEnergy(seen: Seen): { reason: string; message: string } {
  const { meter, windows, throttledWindows, minimumWindows, minimumInferences } = seen;
  const { name, onDemand } = meter.source;
  if (onDemand)
    return {
      reason: 'NotMeasuredYet',
      message: `${name} is read only during controlled loops, and none has measured this model yet`,
    };
  if (meter.asked && !meter.up) return { reason: 'NoPowerSource', message: `${name} does not answer` };
  if (seen.lacksBaseline)
    return { reason: 'NoIdlePower', message: 'the idle power was not measured yet: the device was never idle long enough' };
  const unseen = windows.length < minimumWindows ? undefined : windowsBelowResolution(windows, meter.source);
  if (unseen !== undefined) return { reason: 'BelowResolution', message: unseen };
  const tooFew = `${windows.length} of ${minimumWindows} windows in which this model alone was at work, with ${inferencesIn(windows)} of ${minimumInferences} inferences`;
  // A reason of its own: a message that changes alone is not written for minutes.
  return throttledWindows === 0
    ? { reason: 'NotMeasuredYet', message: tooFew }
    : { reason: 'Throttled', message: `${tooFew}; ${throttledWindows} in which the board was throttled do not count` };
}

/** What to say when windows, all together, hold no more energy than their meter can tell from nothing; those below idle count as well. */
export function windowsBelowResolution(windows: readonly OperationWindow[], source: PowerSource): string | undefined {
  const inferences = inferencesIn(windows);
  if (inferences === 0) return undefined;
  const seconds = windows.reduce((sum, window) => sum + window.seconds, 0);
  const joules = windows.reduce((sum, window) => sum + (window.joulesPerInference ?? 0) * window.inferences, 0);
  const least = detectableJoules(source, { seconds, inferences });
  if (joules / inferences > least) return undefined;
  return `${source.name} cannot see less than ${formatEnergy(least)} per inference at this rate of requests, and the model used no more`;
}

export function inferencesIn(windows: readonly OperationWindow[]): number {
  return windows.reduce((sum, { inferences }) => sum + inferences, 0);
}
