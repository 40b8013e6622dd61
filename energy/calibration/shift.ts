// By how much measurements say that a predictor is off, shrunk toward "not at all" as far as they leave it open.
//
// Model: y = b + s + m + e. y is the log ratio of measured to predicted energy of one network on one meter; b the predictor's
// own error on the class; s what one campaign (device, meter) is off by; m what the predictor errs on one network; e the
// measurement's own error. Best linear unbiased prediction of b (Henderson, 1975) with a normal prior on b whose width is
// averaged over a grid by its marginal likelihood: no shift and a large one are both believed when the data say so.
import { cholesky, choleskySolve } from '../prediction/regression/cholesky.ts';

export interface ShiftDatum {
  /** Network: measurements of one share its error. */
  model: string;
  /** Campaign: measurements of one device and meter share an offset. */
  session: string;
  /** ln(measured ÷ predicted). */
  logResidual: number;
  /** Variance of the measurement itself, of the logarithm. */
  logVariance: number;
  /** Standard deviation of the predictor's error on such a network, of the logarithm. */
  modelLogSd: number;
}

export interface Shift {
  /** Added to the logarithm of a prediction. */
  log: number;
  /** Standard deviation of what is left open. */
  logSd: number;
}

/** Standard deviations of b that are thought possible: from campaigns that hardly differ to another runtime. */
const priorSds: readonly number[] = [0.03, 0.06, 0.12, 0.25, 0.5];
/** Campaigns on one board differ by 2 to 9 % beyond what the networks explain. */
export const sessionLogSd = 0.05;

/** Residuals farther off than this many standard deviations count as if they were so far (Huber, 1964). */
const huberSds = 3;

/**
 * Of b; of b + s where a session is named, for predictions that are made for that device and meter alone.
 * Deterministic; without data nothing is shifted. @throws RangeError when a variance is not above zero.
 */
export function estimateShift(data: readonly ShiftDatum[], session?: string): Shift {
  const field = fieldOf(data, session);
  const residuals = data.map(({ logResidual }) => logResidual);
  const first = shiftIn({ ...field, shared: field.shared.map(() => 0), overlap: 0, open: 0 }, residuals);
  const pulled = data.map(({ logResidual, logVariance, modelLogSd }) => {
    const limit = huberSds * Math.hypot(modelLogSd, sessionLogSd, Math.sqrt(logVariance), first.logSd);
    return first.log + Math.min(limit, Math.max(-limit, logResidual - first.log));
  });
  return shiftIn(field, pulled);
}

/** What does not depend on the residuals. K is their covariance but for b. */
interface Field {
  /** K⁻¹1. */
  ones: Float64Array;
  /** 1ᵀK⁻¹1. */
  precision: number;
  /** With c the covariance of the asked session's offset with each residual: K⁻¹c, 1ᵀK⁻¹c and the offset's variance given them. */
  shared: Float64Array;
  overlap: number;
  open: number;
}

function fieldOf(data: readonly ShiftDatum[], session?: string): Field {
  const size = data.length;
  const offsets = sessionVariances(data);
  const factor = cholesky(covariance(data, offsets), size);
  if (!factor) throw new RangeError('measurements need a variance above zero: two equal ones without any contradict each other');
  const own = session === undefined ? 0 : (offsets.get(session) ?? sessionLogSd ** 2);
  const common = data.map((datum) => (datum.session === session ? own : 0));
  const ones = choleskySolve(
    factor,
    size,
    data.map(() => 1),
  );
  const shared = choleskySolve(factor, size, common);
  return { ones, precision: sum(ones), shared, overlap: sum(shared), open: own - dot(common, shared) };
}

function shiftIn({ ones, precision, shared, overlap, open }: Field, residuals: readonly number[]): Shift {
  const moment = dot(residuals, ones);
  const ofSession = dot(residuals, shared);
  return average(
    priorSds.map((sd) => {
      const growth = 1 + sd ** 2 * precision;
      const bias = (sd ** 2 * moment) / growth;
      const variance = sd ** 2 / growth;
      return {
        log: bias + ofSession - overlap * bias,
        logSd: Math.sqrt(Math.max(0, open + (1 - overlap) ** 2 * variance)),
        // What the prior widths share of the marginal likelihood is left out.
        logLikelihood: 0.5 * (bias * moment - Math.log(growth)),
      };
    }),
  );
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

function dot(left: readonly number[], right: Float64Array): number {
  let total = 0;
  for (const [index, value] of left.entries()) total += value * (right[index] as number);
  return total;
}

interface Posterior extends Shift {
  logLikelihood: number;
}

function average(posteriors: readonly Posterior[]): Shift {
  const best = Math.max(...posteriors.map(({ logLikelihood }) => logLikelihood));
  const shares = posteriors.map(({ logLikelihood }) => Math.exp(logLikelihood - best));
  const total = shares.reduce((sum, share) => sum + share, 0);
  const expect = (value: (one: Posterior) => number) =>
    posteriors.reduce((sum, one, index) => sum + ((shares[index] ?? 0) / total) * value(one), 0);
  const log = expect((one) => one.log);
  const square = expect((one) => one.logSd ** 2 + one.log ** 2);
  return { log, logSd: Math.sqrt(Math.max(0, square - log ** 2)) };
}

function covariance(data: readonly ShiftDatum[], sessions: ReadonlyMap<string, number>): Float64Array {
  const size = data.length;
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i += 1)
    for (let j = 0; j <= i; j += 1) {
      const [left, right] = [data[i] as ShiftDatum, data[j] as ShiftDatum];
      let value = i === j ? left.logVariance : 0;
      if (left.session === right.session) value += sessions.get(left.session) ?? 0;
      if (left.model === right.model) value += left.modelLogSd * right.modelLogSd;
      matrix[i * size + j] = matrix[j * size + i] = value;
    }
  return matrix;
}

/** A campaign far from the middle of all is believed to be as far off as it looks: one bad meter among several hardly counts. */
function sessionVariances(data: readonly ShiftDatum[]): Map<string, number> {
  const bySession = Map.groupBy(data, ({ session }) => session);
  const means = new Map(
    [...bySession].map(([session, list]) => [session, list.reduce((sum, { logResidual }) => sum + logResidual, 0) / list.length]),
  );
  const sorted = [...means.values()].sort((a, b) => a - b);
  const middle = ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2;
  return new Map(
    [...means].map(([session, mean]) => {
      const list = bySession.get(session) ?? [];
      const chance = Math.max(...list.map(({ modelLogSd }) => modelLogSd)) / Math.sqrt(list.length);
      const beyond = Math.max(0, Math.abs(mean - middle) - 2 * Math.hypot(sessionLogSd, chance));
      return [session, sessionLogSd ** 2 + beyond ** 2];
    }),
  );
}
