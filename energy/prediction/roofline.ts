// Energy (or time) as a sum of non-negative costs per amount of work: the part of a predictor that extrapolates.
import { type NonNegativeOptions, nonNegativeLeastSquares } from './non-negative-least-squares.ts';

/** Coefficients in the order of `rooflineTerms`: joules (or seconds) per unit of the term. */
export type Roofline = readonly number[];

/** Minimises squared relative errors: every row is divided by what it should give. */
export function fitRoofline(
  amounts: readonly (readonly number[])[],
  targets: readonly number[],
  options: NonNegativeOptions = {},
): Roofline {
  const design = amounts.map((row, index) => row.map((amount) => amount / (targets[index] ?? 1)));
  return nonNegativeLeastSquares(
    design,
    targets.map(() => 1),
    options,
  );
}

export function evaluateRoofline(roofline: Roofline, amounts: readonly number[]): number {
  let sum = 0;
  for (const [index, coefficient] of roofline.entries()) sum += coefficient * (amounts[index] ?? 0);
  return sum;
}
