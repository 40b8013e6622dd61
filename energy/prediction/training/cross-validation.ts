// Out-of-fold predictions: what a predictor says of graphs that its training did not see.
import { evaluateLogModel, queryAt } from '../log-model.ts';
import { type FitOptions, fitLogModel, prepared } from './fit.ts';
import { groupedFolds } from './folds.ts';
import type { TrainingRow } from './training-row.ts';

export interface OutOfFold {
  row: TrainingRow;
  predicted: number;
  roofline: number;
  actual: number;
  remoteness: number;
  /** log(actual / predicted). */
  residual: number;
}

export interface ValidationOptions extends FitOptions {
  folds: number;
  repeats: number;
  seed: number;
  groupBy: 'architecture' | 'family';
  /** Ends after the fold that brings as many results: a large table need not predict all of itself for an interval's scores. */
  enough?: number;
  /** Rows that are scored; the others only train. */
  scored?: (row: TrainingRow) => boolean;
}

/** One entry per scored row and repeat; none where all rows are of one group. The row's session offset, learned from the training side, is applied. */
export function outOfFold(rows: readonly TrainingRow[], options: ValidationOptions): OutOfFold[] {
  const results: OutOfFold[] = [];
  const groups = rows.map((row) => row[options.groupBy]);
  const folds = Math.min(options.folds, new Set(groups).size);
  // A single group cannot be held out: nothing would be left to learn from.
  if (folds < 2) return [];
  for (let repeat = 0; repeat < options.repeats; repeat += 1) {
    const foldOf = groupedFolds(groups, folds, options.seed + repeat);
    for (let fold = 0; fold < folds; fold += 1) {
      const training = rows.filter((_, index) => foldOf[index] !== fold);
      const { model, surroundings, sessionOffsets } = fitLogModel(training, options);
      for (const [index, row] of rows.entries()) {
        if (foldOf[index] !== fold || options.scored?.(row) === false) continue;
        const query = queryAt(surroundings, prepared(row).descriptors, prepared(row).amounts);
        const { value, roofline } = evaluateLogModel(model, query);
        const scale = Math.exp(sessionOffsets.get(row.session) ?? 0);
        const actual = row[options.target];
        const predicted = value * scale;
        results.push({
          row,
          predicted,
          roofline: roofline * scale,
          actual,
          remoteness: query.remoteness,
          residual: Math.log(actual / predicted),
        });
      }
      if (results.length >= (options.enough ?? Number.POSITIVE_INFINITY)) return results;
    }
  }
  return results;
}
