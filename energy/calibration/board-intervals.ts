// How wide the interval of a predictor that was fitted to a few probes has to be.
import type { ConformalScores } from '../prediction/conformal.ts';
import type { Calibration, Predictor } from '../prediction/predictor.ts';
import { type BoardFit, type LeftOut, residualSd } from './board-fit.ts';
import { networkDistances } from './network-distances.ts';

/** Probes are chosen far apart, so a left-out one is farther from the rest than a network is from the nearest probe; not by more than this is believed. */
const leastShare = 0.6;

/**
 * Scores from the errors on left-out probes, each divided by what the fit expected there and multiplied by what it expects of a
 * network: of the source's own networks that are near enough to a probe, the middle one. Outside of that reach, by what it
 * expects of a network that is like no probe.
 */
export function boardIntervals(source: Predictor, fit: BoardFit, leftOut: readonly LeftOut[]): Calibration {
  const { reach } = fit.surroundings.hull;
  const inside = networkDistances(source.surroundings.points, fit.surroundings.points)
    .filter((distance) => distance <= reach)
    .sort((left, right) => left - right);
  const middle = inside[Math.floor(inside.length / 2)] ?? reach;
  return { inside: scores(leftOut, residualSd(middle)), outside: scores(leftOut, residualSd(Number.POSITIVE_INFINITY)) };
}

function scores(leftOut: readonly LeftOut[], sd: number): ConformalScores {
  const sorted = leftOut
    .map(({ logResidual, expectedSd }) => Math.abs(logResidual) * Math.max(leastShare, sd / expectedSd))
    .sort((left, right) => left - right);
  return { sorted, count: sorted.length };
}
