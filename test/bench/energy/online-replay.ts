// What calibration in operation learns when a board's later session streams past a predictor of its earlier one.
import { correct, correctionOf, observe, uncalibrated } from '../../../energy/calibration/online-calibration.ts';
import { evaluateLogModel, queryOf } from '../../../energy/prediction/log-model.ts';
import { domainReaches } from '../../../energy/prediction/predictor.ts';
import { conformalQuantile } from '../../../energy/prediction/regression/conformal.ts';
import { calibrate } from '../../../energy/prediction/training/calibration.ts';
import { outOfFold, type ValidationOptions } from '../../../energy/prediction/training/cross-validation.ts';
import { fitLogModel } from '../../../energy/prediction/training/fit.ts';
import { randomGenerator, shuffled } from '../../../energy/prediction/training/folds.ts';
import { mean } from '../../../energy/prediction/training/scores.ts';
import type { TrainingRow } from '../../../energy/prediction/training/training-row.ts';

const draws = 20;
const confidencePercent = 90;
/** About what the meter repeats one network by. */
const measurementLogVariance = 0.02 ** 2;
const spans: readonly [number, number][] = [
  [0, 3],
  [3, 10],
  [10, 20],
  [20, 200],
];

interface Step {
  raw: number;
  calibrated: number;
  coveredRaw: boolean;
  covered: boolean;
}

interface SpanScore {
  /** Measurements that were learned from before, from the first to the last judged one. */
  first: number;
  last: number;
  rawPercent: number;
  calibratedPercent: number;
  coveredRaw: number;
  covered: number;
}

export interface ReplayScore {
  from: string;
  to: string;
  trained: number;
  streamed: number;
  /** Whether no architecture of the stream was trained on. */
  isUnseen: boolean;
  spans: SpanScore[];
}

/** Trained on `from` alone; the rows of each of `streams` come in random order, each is judged before it is learned from. */
export function onlineReplay(
  rows: readonly TrainingRow[],
  from: string,
  streams: readonly string[],
  options: ValidationOptions,
): ReplayScore[] {
  const training = rows.filter(({ session }) => session === from);
  const { model, surroundings } = fitLogModel(training, options);
  const calibration = calibrate({
    byArchitecture: outOfFold(training, options),
    byFamily: outOfFold(training, { ...options, groupBy: 'family', folds: 1000, repeats: 1 }),
  });
  return streams.map((to) => replay(rows, training, { from, to, model, surroundings, calibration }));
}

interface Trained extends Pick<ReturnType<typeof fitLogModel>, 'model' | 'surroundings'> {
  from: string;
  to: string;
  calibration: ReturnType<typeof calibrate>;
}

function replay(
  rows: readonly TrainingRow[],
  training: readonly TrainingRow[],
  { from, to, model, surroundings, calibration }: Trained,
): ReplayScore {
  const known = new Set(training.map(({ architecture }) => architecture));
  const fresh = rows.filter(({ session, architecture }) => session === to && !known.has(architecture));
  const stream = fresh.length >= 20 ? fresh : rows.filter(({ session }) => session === to);
  const steps = Array.from({ length: draws }, (_, draw) => {
    let state = uncalibrated;
    return shuffled(stream, randomGenerator(draw)).map((row): Step => {
      const query = queryOf(surroundings, row.features, row.batch);
      const estimate = evaluateLogModel(model, query).value;
      const scores = query.remoteness <= domainReaches ? calibration.inside : calibration.outside;
      const logHalfWidth = conformalQuantile(scores, confidencePercent);
      const raw = { estimate, lower: estimate / Math.exp(logHalfWidth), upper: estimate * Math.exp(logHalfWidth) };
      const now = correct(raw, correctionOf(state), confidencePercent);
      const within = ({ lower, upper }: typeof raw) => lower <= row.joules && row.joules <= upper;
      const { architecture: network, session, joules } = row;
      const logResidual = Math.log(joules / estimate);
      state = observe(state, { model: network, session, logResidual, logVariance: measurementLogVariance, logHalfWidth }).state;
      const error = (value: number) => (100 * Math.abs(value - joules)) / joules;
      return { raw: error(estimate), calibrated: error(now.estimate), coveredRaw: within(raw), covered: within(now) };
    });
  });
  const scored = spans.flatMap(([start, end]) => {
    const list = steps.flatMap((one) => one.slice(start, end));
    if (list.length === 0) return [];
    const meanOf = (value: (step: Step) => number) => mean(list.map(value));
    return [
      {
        first: start,
        last: Math.min(end, stream.length) - 1,
        rawPercent: meanOf(({ raw }) => raw),
        calibratedPercent: meanOf(({ calibrated }) => calibrated),
        coveredRaw: meanOf(({ coveredRaw }) => Number(coveredRaw)),
        covered: meanOf(({ covered }) => Number(covered)),
      },
    ];
  });
  return { from, to, trained: training.length, streamed: stream.length, isUnseen: stream === fresh, spans: scored };
}

export function onlineReplayTables(scores: readonly ReplayScore[]): string {
  const percent = (value: number) => `${value.toFixed(1)} %`;
  return scores
    .map(({ from, to, trained, streamed, isUnseen, spans: scored }) =>
      [
        `${trained} rows of session ${from} trained the predictor; ${streamed} rows of session ${to} stream past it, ${isUnseen ? 'none of them of an architecture that was trained on' : 'some of architectures that were trained on'}; ${draws} random orders.`,
        '',
        '| measurements learned from before | mean error, as trained | calibrated | inside the 90 % interval, as trained | calibrated |',
        '|---|---|---|---|---|',
        ...scored.map(
          ({ first, last, rawPercent, calibratedPercent, coveredRaw, covered }) =>
            `| ${first} to ${last} | ${percent(rawPercent)} | ${percent(calibratedPercent)} | ${percent(100 * coveredRaw)} | ${percent(100 * covered)} |`,
        ),
      ].join('\n'),
    )
    .join('\n\n');
}
