// What a predictor has to beat, on the same folds.
import { nonNegativeLeastSquares } from '../regression/non-negative-least-squares.ts';
import type { ValidationOptions } from './cross-validation.ts';
import { groupedFolds } from './folds.ts';
import type { TrainingRow } from './training-row.ts';

export interface Pair {
  row: TrainingRow;
  predicted: number;
  actual: number;
}

/** One number per multiply–add, fitted with the same relative loss. */
export function macsBaseline(rows: readonly TrainingRow[], options: ValidationOptions): Pair[] {
  return linearBaseline(rows, options, ({ features }) => [features.macs]);
}

/** The coarse features that model tables give: multiply–adds, activations, parameters, one constant. */
export function coarseBaseline(rows: readonly TrainingRow[], options: ValidationOptions): Pair[] {
  return linearBaseline(rows, options, ({ features, batch }) => [
    features.macs / 1e9,
    features.macOutputs / 1e6,
    features.parameters / 1e6 / batch,
    1 / batch,
  ]);
}

function linearBaseline(
  rows: readonly TrainingRow[],
  options: ValidationOptions,
  amounts: (row: TrainingRow) => number[],
): Pair[] {
  const groups = rows.map((row) => row[options.groupBy]);
  const folds = Math.min(options.folds, new Set(groups).size);
  const pairs: Pair[] = [];
  for (let repeat = 0; repeat < options.repeats; repeat += 1) {
    const foldOf = groupedFolds(groups, folds, options.seed + repeat);
    for (let fold = 0; fold < folds; fold += 1) {
      const training = rows.filter((_, index) => foldOf[index] !== fold);
      const coefficients = nonNegativeLeastSquares(
        training.map((row) => amounts(row).map((amount) => amount / row[options.target])),
        training.map(() => 1),
      );
      for (const [index, row] of rows.entries()) {
        if (foldOf[index] !== fold || options.scored?.(row) === false) continue;
        const predicted = amounts(row).reduce((sum, amount, term) => sum + amount * (coefficients[term] ?? 0), 0);
        pairs.push({ row, predicted, actual: row[options.target] });
      }
    }
  }
  return pairs;
}
