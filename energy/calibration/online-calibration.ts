// Calibration in operation: a predictor is compared with each controlled measurement of a device class, and corrected.
//
// Per class key, in the order of the measurements and before each one is learned from:
//   1. Quarantine. Farther off than a factor that no network explains, and the meter is wrong, not the predictor: nothing of it
//      is learned until it has been plausible three times in a row.
//   2. Test. Was it inside the interval that was stated before? Counted as coverage and error, once per network and campaign.
//   3. Width. Adaptive conformal inference (Gibbs and Candès, 2021) on the logarithm of the interval's scale: a miss widens by
//      9 %, a hit narrows by 1 %, so that in the long run nine of ten are inside whatever the errors look like.
//   4. Shift. shift.ts over the measurements that are kept; an outlier counts as if it were three standard deviations off.
// The same measurements in the same order give the same state; the state is plain data and bounded.
import { normalQuantile } from '../measurement/student-t.ts';
import type { Estimate } from '../prediction/prediction.ts';
import { estimateShift, type Shift } from './shift.ts';

/** One controlled measurement beside what the predictor, without any calibration, says of it. */
export interface CalibrationMeasurement {
  /** Digest of the network. */
  model: string;
  /** Device and meter; a meter that is exchanged is another session. */
  session: string;
  /** ln(measured ÷ predicted). */
  logResidual: number;
  /** Variance of the measured log energy, the meter's gain included. */
  logVariance: number;
  /** Half-width of the uncalibrated 90 % interval for this network, of the logarithm. */
  logHalfWidth: number;
}

export interface SessionQuarantine {
  session: string;
  /** ln(measured ÷ predicted) of the last implausible measurement. */
  logResidual: number;
  /** Implausible measurements so far. */
  rejected: number;
  /** Plausible ones since the last implausible one; three lift it. */
  plausible: number;
}

export interface CalibrationState {
  /** The newest ones that were learned from, oldest first; one per network and session. */
  kept: readonly CalibrationMeasurement[];
  quarantined: readonly SessionQuarantine[];
  /** Logarithm of the interval's scale. */
  logScale: number;
  /** Measurements learned from, ever. */
  samples: number;
  /** Measurements tested against the interval stated before; a network counts once per session while it is kept. */
  tested: number;
  covered: number;
  /** Sum of |ln(measured ÷ calibrated prediction)| over them. */
  absoluteLogError: number;
}

export type ObservationOutcome = 'Learned' | 'Repeated' | 'Quarantined';

export interface Observation {
  state: CalibrationState;
  outcome: ObservationOutcome;
}

export const uncalibrated: CalibrationState = {
  kept: [],
  quarantined: [],
  logScale: 0,
  samples: 0,
  tested: 0,
  covered: 0,
  absoluteLogError: 0,
};

/** Confidence that is tracked; other confidences scale along. */
export const trackedPercent = 90;
export const maximumKept = 48;
const maximumQuarantined = 32;
/** No network makes a working predictor this wrong; a wrong shunt or unit does. */
const implausibleFactor = 3;
/** Nor is it ever off by three half-widths of its interval. */
const implausibleHalfWidths = 3;
const liftingMeasurements = 3;
/** Step of the width's logarithm per unit of missed coverage. */
const widthStep = 0.1;
const scaleBounds = { least: Math.log(0.75), most: Math.log(4) };
const normal90 = normalQuantile(0.5 + trackedPercent / 200);

/** Learns from one measurement. Pure. @throws RangeError when a number is not finite or a variance not above zero. */
export function observe(state: CalibrationState, measurement: CalibrationMeasurement): Observation {
  check(measurement);
  const { session, logResidual, logHalfWidth } = measurement;
  const stated = correctionOf(state);
  const error = logResidual - stated.log;
  const half = correctedHalfWidth(logHalfWidth, stated, trackedPercent);
  const allowed = Math.max(Math.log(implausibleFactor), implausibleHalfWidths * half);
  const held = state.quarantined.find((entry) => entry.session === session);
  if (Math.abs(error) > allowed) return { state: quarantine(state, measurement), outcome: 'Quarantined' };
  if (held && held.plausible + 1 < liftingMeasurements)
    return { state: replaceQuarantine(state, { ...held, plausible: held.plausible + 1 }), outcome: 'Quarantined' };
  const freed = { ...state, quarantined: state.quarantined.filter((entry) => entry.session !== session) };
  const isSame = (other: CalibrationMeasurement) => other.model === measurement.model && other.session === session;
  const repeated = freed.kept.some(isSame);
  const kept = [...freed.kept.filter((other) => !isSame(other)), measurement].slice(-maximumKept);
  const learned = { ...freed, kept, samples: freed.samples + 1 };
  if (repeated) return { state: learned, outcome: 'Repeated' };
  // A noisy meter is not the predictor's miss.
  const hit = Math.abs(error) <= Math.hypot(half, normal90 * Math.sqrt(measurement.logVariance));
  const step = widthStep * ((hit ? 0 : 1) - (1 - trackedPercent / 100));
  return {
    state: {
      ...learned,
      logScale: Math.min(scaleBounds.most, Math.max(scaleBounds.least, state.logScale + step)),
      tested: state.tested + 1,
      covered: state.covered + Number(hit),
      absoluteLogError: state.absoluteLogError + Math.abs(error),
    },
    outcome: 'Learned',
  };
}

/** The correction of the class's predictor, or of one device and meter where a session is named. Zero before the first measurement. */
export function shiftOf(state: CalibrationState, session?: string): Shift {
  if (state.kept.length === 0) return { log: 0, logSd: 0 };
  return estimateShift(
    state.kept.map((one) => ({ ...one, modelLogSd: one.logHalfWidth / normal90 })),
    session,
  );
}

/** What is in force: two numbers, small enough to be published and named by a version. */
export interface Correction extends Shift {
  /** Factor of the interval's half-width in logarithms. */
  widthFactor: number;
}

export const noCorrection: Correction = { log: 0, logSd: 0, widthFactor: 1 };

export function correctionOf(state: CalibrationState, session?: string): Correction {
  if (state.kept.length === 0) return noCorrection;
  return { ...shiftOf(state, session), widthFactor: Math.exp(state.logScale) };
}

/** Whether the difference between two corrections is worth a new version: 1 % of energy or 5 % of the interval's width. */
export function differsVisibly(left: Correction, right: Correction): boolean {
  return (
    Math.abs(left.log - right.log) > 0.01 ||
    Math.abs(left.logSd - right.logSd) > 0.02 ||
    Math.abs(Math.log(left.widthFactor / right.widthFactor)) > 0.05
  );
}

/** Shifts an uncalibrated estimate, and states its interval anew: scaled, and wider by what the shift leaves open. */
export function correct(estimate: Estimate, correction: Correction, confidencePercent: number): Estimate {
  const value = estimate.estimate * Math.exp(correction.log);
  const half = (bound: number) =>
    Math.exp(correctedHalfWidth(Math.abs(Math.log(bound / estimate.estimate)), correction, confidencePercent));
  return { estimate: value, lower: value / half(estimate.lower), upper: value * half(estimate.upper) };
}

function correctedHalfWidth(logHalfWidth: number, { logSd, widthFactor }: Correction, confidencePercent: number): number {
  return Math.hypot(widthFactor * logHalfWidth, normalQuantile(0.5 + confidencePercent / 200) * logSd);
}

function quarantine(state: CalibrationState, { session, logResidual }: CalibrationMeasurement): CalibrationState {
  const held = state.quarantined.find((entry) => entry.session === session);
  return replaceQuarantine(state, { session, logResidual, rejected: (held?.rejected ?? 0) + 1, plausible: 0 });
}

function replaceQuarantine(state: CalibrationState, entry: SessionQuarantine): CalibrationState {
  const others = state.quarantined.filter((other) => other.session !== entry.session);
  return { ...state, quarantined: [...others, entry].slice(-maximumQuarantined) };
}

function check({ logResidual, logVariance, logHalfWidth, model }: CalibrationMeasurement): void {
  if (!Number.isFinite(logResidual))
    throw new RangeError(`the log residual of ${model} is ${logResidual}: leave the measurement out`);
  for (const [name, value] of Object.entries({ logVariance, logHalfWidth }))
    if (!(value > 0 && Number.isFinite(value))) throw new RangeError(`${name} of ${model} is ${value}: it must be above zero`);
}
