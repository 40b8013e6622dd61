// Readings of the power amounts of a budget, from what the ledger holds. Pure.
import { normalQuantile } from '../../energy/measurement/student-t.ts';
import type { MeasuredPower } from '../../energy/prediction/measured-power.ts';
import type { PowerStretch } from '../record/power-ledger.ts';

export interface PowerAmount {
  name: MeasuredPower['name'];
  powerBasis: MeasuredPower['powerBasis'];
  /** Time that the amount looks back over. */
  seconds: number;
  confidencePercent: number;
}

/** An INA meter's scale is known to about one percent. */
const gainRelativeSd = 0.01;

/** Undefined when nothing of it was measured. The doubts of the scale and of the idle power are added in quadrature. */
export function readPower(amount: PowerAmount, sum: PowerStretch): MeasuredPower | undefined {
  const { name, powerBasis, confidencePercent } = amount;
  const measuredSeconds = powerBasis === 'Whole' ? sum.wholeSeconds : sum.marginalSeconds;
  if (measuredSeconds === 0) return undefined;
  const quantile = normalQuantile(0.5 + confidencePercent / 200);
  const joules = powerBasis === 'Whole' ? sum.wholeJoules : sum.marginalJoules;
  const [low, high] = powerBasis === 'Whole' ? [joules, joules] : [sum.marginalLowerJoules, sum.marginalUpperJoules];
  const half = quantile * Math.hypot(gainRelativeSd * joules, powerBasis === 'Whole' ? 0 : sum.idleErrorJoules);
  // An average is of the whole window; the energy of a day is of the time in which there was something to count.
  const wholeSeconds = name === 'AveragePower' ? amount.seconds : sum.loadedSeconds;
  const scale = name === 'AveragePower' ? 1 / measuredSeconds : 1;
  return {
    name,
    powerBasis,
    boundary: sum.boundary,
    source: sum.source,
    estimate: Math.max(0, joules) * scale,
    lower: Math.max(0, low - half) * scale,
    upper: Math.max(0, high + half) * scale,
    seconds: Math.round(Math.min(amount.seconds, name === 'AveragePower' ? amount.seconds : (sum.to - sum.from) / 1000)),
    coveragePermille: Math.min(1000, Math.floor((1000 * measuredSeconds) / wholeSeconds)),
  };
}

/** Watts above idle while the model is at work: what a duty cycle acts on. Undefined while that is not known. */
export function busyWatts(sum: PowerStretch): number | undefined {
  return sum.busySeconds > 0 && sum.marginalJoules > 0 ? sum.marginalJoules / sum.busySeconds : undefined;
}
