// A predictor trained on a random handful of rows: how far do they carry to rows that were not among them?
import { evaluateLogModel, queryOf } from '../../../energy/prediction/log-model.ts';
import { type FitOptions, fitLogModel } from '../../../energy/prediction/training/fit.ts';
import { randomGenerator, shuffled } from '../../../energy/prediction/training/folds.ts';
import { type Scores, scoresOf } from '../../../energy/prediction/training/scores.ts';
import type { TrainingRow } from '../../../energy/prediction/training/training-row.ts';

const counts = [20, 40, 100, 300];
const draws = 20;
const tested = 1000;

export function fewRowsScores(rows: readonly TrainingRow[], options: FitOptions, count: number): Scores {
  const pairs: { predicted: number; actual: number }[] = [];
  for (let draw = 0; draw < draws; draw += 1) {
    const order = shuffled(rows, randomGenerator(draw));
    const { model, surroundings } = fitLogModel(order.slice(0, count), options);
    for (const row of order.slice(count, count + tested))
      pairs.push({ predicted: evaluateLogModel(model, queryOf(surroundings, row.features)).value, actual: row.joules });
  }
  return scoresOf(pairs);
}

export function fewRowsTable(rows: readonly TrainingRow[], options: FitOptions): string {
  const percent = (value: number) => `${value.toFixed(1)} %`;
  const lines = counts.map((count) => {
    const { meanAbsolutePercent, medianAbsolutePercent } = fewRowsScores(rows, options, count);
    return `| ${count} | ${percent(meanAbsolutePercent)} | ${percent(medianAbsolutePercent)} |`;
  });
  return ['| rows to learn from | mean error | median error |', '|---|---|---|', ...lines].join('\n');
}
