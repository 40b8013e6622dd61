// Scores of an interval from out-of-fold errors, inside and outside the hull.
import { type Calibration, domainReaches } from '../predictor.ts';
import { thinScores } from '../regression/conformal.ts';
import type { OutOfFold } from './cross-validation.ts';
import type { TrainingRow } from './training-row.ts';

const maximumShippedScores = 200;

export interface Folds {
  byArchitecture: OutOfFold[];
  byFamily?: OutOfFold[];
}

/** Inside the hull: errors on new architectures. Outside: on new families too, which is what such a graph is. */
export function calibrate({ byArchitecture, byFamily }: Folds): Calibration {
  const isInside = ({ remoteness }: OutOfFold) => remoteness <= domainReaches;
  const sizes = (results: readonly OutOfFold[]) => results.map(({ residual }) => Number(Math.abs(residual).toPrecision(4)));
  const outside = [...byArchitecture, ...(byFamily ?? [])].filter((result) => !isInside(result));
  // One score per row, whatever the number of repeats: the middle one.
  return {
    inside: thinScores(sizes(middlePerRow(byArchitecture.filter(isInside))), maximumShippedScores),
    outside: thinScores(sizes(middlePerRow(outside)), maximumShippedScores),
  };
}

/** Repeats of a row are not independent scores: each row counts once, with its middle error. */
function middlePerRow(results: readonly OutOfFold[]): OutOfFold[] {
  const perRow = new Map<TrainingRow, OutOfFold[]>();
  for (const result of results) perRow.set(result.row, [...(perRow.get(result.row) ?? []), result]);
  return [...perRow.values()].flatMap((list) => {
    const sorted = list.sort((a, b) => Math.abs(a.residual) - Math.abs(b.residual));
    return sorted[Math.floor(sorted.length / 2)] ?? [];
  });
}
