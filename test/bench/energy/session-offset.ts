// A later campaign on a board that is known: what three measurements of it are worth.
import { correct, correctionOf, observe, uncalibrated } from '../../../energy/calibration/online-calibration.ts';
import { evaluateLogModel, queryOf } from '../../../energy/prediction/log-model.ts';
import { fitLogModel } from '../../../energy/prediction/training/fit.ts';
import { randomGenerator, shuffled } from '../../../energy/prediction/training/folds.ts';
import { mean } from '../../../energy/prediction/training/scores.ts';
import type { TrainingRow } from '../../../energy/prediction/training/training-row.ts';

const draws = 200;
const measured = 3;
const folds = 5;
const leastRows = 9;
const measurementLogVariance = 0.02 ** 2;
/** Of the interval that a predictor states for itself, of the logarithm: about ×1.2. */
const statedLogHalfWidth = 0.18;

export interface OffsetScore {
  session: string;
  rows: number;
  asTrained: number;
  /** One factor, the geometric mean of three ratios. */
  scalar: number;
  /** The shrunken shift that a controller learns from the same three. */
  learned: number;
  /** Variant: the same board's rows with every energy times this factor: another power mode. */
  factor: number;
}

/** Networks are predicted by a model of the reference session that has not seen them. */
export function sessionOffsets(rows: readonly TrainingRow[], reference: string, factors: readonly number[]): OffsetScore[] {
  const training = rows.filter(({ session }) => session === reference);
  const names = [...new Set(rows.map(({ session }) => session))].filter((session) => session !== reference).sort();
  return names.flatMap((session) => {
    const own = rows.filter((row) => row.session === session);
    if (own.length < leastRows) return [];
    const logRatios = unseenLogRatios(training, own, reference);
    return factors.map((factor) =>
      offsetScore(
        session,
        logRatios.map((ratio) => ratio + Math.log(factor)),
        factor,
      ),
    );
  });
}

/** ln(measured ÷ predicted) of each row, its architecture left out of training. */
function unseenLogRatios(training: readonly TrainingRow[], own: readonly TrainingRow[], reference: string): number[] {
  const names = [...new Set(own.map(({ architecture }) => architecture))];
  const foldOf = new Map(names.map((name, index) => [name, index % folds]));
  const ratios = new Map<TrainingRow, number>();
  for (let fold = 0; fold < folds; fold += 1) {
    const { model, surroundings } = fitLogModel(
      training.filter(({ architecture }) => foldOf.get(architecture) !== fold),
      { target: 'joules', referenceSession: reference, hullQuantile: 0.95 },
    );
    for (const row of own)
      if (foldOf.get(row.architecture) === fold)
        ratios.set(row, Math.log(row.joules / evaluateLogModel(model, queryOf(surroundings, row.features, row.batch)).value));
  }
  return own.map((row) => ratios.get(row) ?? 0);
}

function offsetScore(session: string, logRatios: readonly number[], factor: number): OffsetScore {
  const error = (logRatio: number, shift: number) => 100 * Math.abs(Math.exp(shift - logRatio) - 1);
  const outcomes = Array.from({ length: draws }, (_, draw) => {
    const order = shuffled(logRatios, randomGenerator(draw));
    const [three, others] = [order.slice(0, measured), order.slice(measured)];
    const scalar = mean(three);
    let state = uncalibrated;
    for (const [index, logResidual] of three.entries())
      state = observe(state, {
        model: `${index}`,
        session,
        logResidual,
        logVariance: measurementLogVariance,
        logHalfWidth: statedLogHalfWidth,
      }).state;
    const learned = Math.log(correct({ estimate: 1, lower: 0.8, upper: 1.2 }, correctionOf(state, session), 90).estimate);
    return [mean(others.map((ratio) => error(ratio, scalar))), mean(others.map((ratio) => error(ratio, learned)))];
  });
  return {
    session,
    factor,
    rows: logRatios.length,
    asTrained: mean(logRatios.map((ratio) => error(ratio, 0))),
    scalar: mean(outcomes.map(([scalar]) => scalar ?? 0)),
    learned: mean(outcomes.map(([, learned]) => learned ?? 0)),
  };
}

export function sessionOffsetTable(boards: readonly { name: string; rows: readonly TrainingRow[]; reference: string }[]): string {
  const percent = (value: number) => `${value.toFixed(1)} %`;
  const lines = boards.flatMap(({ name, rows, reference }) =>
    sessionOffsets(rows, reference, [1, 1.5]).map(
      (score) =>
        `| ${name}, ${reference} → ${score.session}${score.factor === 1 ? '' : ` × ${score.factor}`} | ${score.rows} | ${percent(score.asTrained)} | ${percent(score.scalar)} | ${percent(score.learned)} |`,
    ),
  );
  return [
    '| board, campaign trained on → campaign predicted | rows | mean error, as trained | after one factor from three measurements | after the controller learned from the same three |',
    '|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}
