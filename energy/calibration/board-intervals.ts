// How wide the interval of a predictor that was fitted to a few probes has to be.
//
// The fit says how far it expects to be off on a network at some distance from all that were measured. Of the errors on left-out
// probes, each divided by what was expected there, follows by how much it is wrong about that: Student's t, because they are few,
// and with the fit's own word as a prior, because ten errors say little about a spread.
import { studentQuantile } from '../measurement/student-t.ts';
import type { Calibration, Predictor } from '../prediction/predictor.ts';
import type { ConformalScores } from '../prediction/regression/conformal.ts';
import { type BoardFit, type LeftOut, residualSd } from './board-fit.ts';
import { networkDistances } from './network-distances.ts';

/** The fit's own word counts like so many errors: as many as the fewest probes that make a predictor. */
export const priorErrors = 10;
/** Percentiles: any confidence up to 99 % finds its own. */
const storedQuantiles = 99;

export interface ErrorSpread {
  /** Standard deviation of an error, relative to what the fit expects of it. */
  factor: number;
  /** Of freedom, for Student's t. */
  degrees: number;
}

/** @param prior errors that the fit's own word counts like; at least two with the left-out ones. */
export function errorSpread(leftOut: readonly Pick<LeftOut, 'logResidual' | 'expectedSd'>[], prior = priorErrors): ErrorSpread {
  const squares = leftOut.reduce((sum, { logResidual, expectedSd }) => sum + (logResidual / expectedSd) ** 2, 0);
  const count = prior + leftOut.length;
  return { factor: Math.sqrt((prior + squares) / count), degrees: count - 1 };
}

/** Half-width in logarithms, relative to what the fit expects of an error. */
export function relativeHalfWidth({ factor, degrees }: ErrorSpread, confidencePercent: number): number {
  return factor * studentQuantile(0.5 + confidencePercent / 200, degrees);
}

/**
 * Percentiles of the error that is to be expected, in the form of scores. Inside the probes' reach: of the source's own networks
 * that are near enough to a probe, the middle one. Outside: of a network that is like no probe.
 */
export function boardIntervals(source: Predictor, fit: BoardFit, leftOut: readonly LeftOut[]): Calibration {
  const spread = errorSpread(leftOut);
  return { inside: scores(spread, insideSd(source, fit)), outside: scores(spread, residualSd(Number.POSITIVE_INFINITY)) };
}

/** What the fit expects of its error on an ordinary network, of the logarithm. */
export function insideSd(source: Predictor, { surroundings }: BoardFit): number {
  const { reach } = surroundings.hull;
  const inside = networkDistances(source.surroundings.points, surroundings.points)
    .filter((distance) => distance <= reach)
    .sort((left, right) => left - right);
  return residualSd(inside[Math.floor(inside.length / 2)] ?? reach);
}

function scores(spread: ErrorSpread, sd: number): ConformalScores {
  const sorted = Array.from(
    { length: storedQuantiles },
    (_, index) => sd * relativeHalfWidth(spread, (100 * (index + 1)) / (storedQuantiles + 1)),
  );
  return { sorted, count: storedQuantiles };
}
