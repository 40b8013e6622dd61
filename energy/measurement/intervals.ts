// Intervals of measured energy: Student's t on the logarithms of independent windows, the meter's own doubts in quadrature.
import { normalQuantile, studentQuantile } from './student-t.ts';

export interface IntervalOptions {
  /** Two-sided: 90 leaves 5 % on either side. */
  confidencePercent: number;
  /** Relative standard deviation of the meter's scale; 0.01 for an INA chip that nobody calibrated. 0 for ratios, where it cancels. */
  gainRelativeSd: number;
  /** Relative standard deviation that the idle baseline brings into the result; 0 when none was subtracted. */
  baselineRelativeSd: number;
}

export interface MeasuredInterval {
  /** Joules: the geometric mean. */
  estimate: number;
  lower: number;
  upper: number;
  /** Of the natural logarithms of joules. */
  meanLog: number;
  varianceLog: number;
}

/**
 * @param samplesJoules energy per inference of independent windows, each above zero; at least two, six for an interval worth its name.
 * @throws RangeError when there are fewer, or one is not above zero.
 */
export function meanLogInterval(samplesJoules: readonly number[], options: IntervalOptions): MeasuredInterval {
  const count = samplesJoules.length;
  if (count < 2) throw new RangeError(`an interval needs at least two windows, not ${count}`);
  const wrong = samplesJoules.find((sample) => !(sample > 0 && Number.isFinite(sample)));
  if (wrong !== undefined)
    throw new RangeError(`${wrong} J has no logarithm: windows at or below the idle power cannot be averaged like this`);
  const logs = samplesJoules.map(Math.log);
  const meanLog = logs.reduce((sum, log) => sum + log, 0) / count;
  const varianceLog = logs.reduce((sum, log) => sum + (log - meanLog) ** 2, 0) / (count - 1);
  const half = logHalfWidth(varianceLog, count, options);
  return { estimate: Math.exp(meanLog), lower: Math.exp(meanLog - half), upper: Math.exp(meanLog + half), meanLog, varianceLog };
}

/** Half of the interval, in logarithms: t for what the windows say, the normal distribution for what the meter may hide. */
export function logHalfWidth(varianceLog: number, count: number, options: IntervalOptions): number {
  const below = 0.5 + options.confidencePercent / 200;
  const ofWindows = studentQuantile(below, count - 1) * Math.sqrt(varianceLog / count);
  const ofMeter = normalQuantile(below) * Math.hypot(options.gainRelativeSd, options.baselineRelativeSd);
  return Math.hypot(ofWindows, ofMeter);
}
