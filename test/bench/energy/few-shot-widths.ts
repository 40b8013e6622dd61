// Other ways to say how wide a calibrated board's interval is, on the same fits: kept is what is narrower and still holds.
import { type BoardFit, fitBoard, type LeftOut, leaveOneOut, residualSd } from '../../../energy/calibration/board-fit.ts';
import { boardIntervals, errorSpread, insideSd, relativeHalfWidth } from '../../../energy/calibration/board-intervals.ts';
import { evaluateLogModel, queryOf } from '../../../energy/prediction/log-model.ts';
import { domainReaches, type Predictor } from '../../../energy/prediction/predictor.ts';
import { conformalQuantile, halfWidth } from '../../../energy/prediction/regression/conformal.ts';
import { smallest } from '../../../energy/prediction/regression/point-set.ts';
import { binomialInterval } from '../../../energy/prediction/training/coverage.ts';
import { mean, quantile } from '../../../energy/prediction/training/scores.ts';
import { gainInterval, signed } from './bootstrap-gain.ts';
import { choicesOf, type FewShotQuestion, measurementsOf, othersThan } from './few-shot.ts';

const confidencePercent = 90;

interface Fitted {
  source: Predictor;
  fit: BoardFit;
  leftOut: readonly LeftOut[];
}

interface Tested {
  network: string;
  logResidual: number;
  inDomain: boolean;
  /** What the fit expects of its error there. */
  sd: number;
}

/** Half-width in logarithms of each tested network. */
type Width = (fitted: Fitted) => (tested: Tested) => number;

const shipped: Width = ({ source, fit, leftOut }) => {
  const { inside, outside } = boardIntervals(source, fit, leftOut);
  return ({ inDomain }) => halfWidth(inside, outside, inDomain, confidencePercent).logHalfWidth;
};

/** Errors divided by what was expected of them, times what is expected of an ordinary network: in order, the one at 90 %. */
const ordered =
  (widening: number, least: number): Width =>
  ({ source, fit, leftOut }) => {
    const scores = (sd: number) =>
      leftOut.map(({ logResidual, expectedSd }) => Math.abs(logResidual) * Math.max(0.6, sd / expectedSd));
    const [inside, outside] = [scores(insideSd(source, fit)), scores(residualSd(Number.POSITIVE_INFINITY))];
    const at = (list: readonly number[]) =>
      conformalQuantile({ sorted: list.toSorted((a, b) => a - b), count: list.length }, confidencePercent);
    if (leftOut.length < least) return () => widening * at([...inside, ...outside]);
    return ({ inDomain }) => at(inDomain ? inside : outside);
  };

const student =
  (prior: number): Width =>
  ({ source, fit, leftOut }) => {
    const relative = relativeHalfWidth(errorSpread(leftOut, prior), confidencePercent);
    const [inside, outside] = [insideSd(source, fit), residualSd(Number.POSITIVE_INFINITY)];
    return ({ inDomain }) => relative * (inDomain ? inside : outside);
  };

/** As far out as the source's own errors lie beyond their root mean square, not as far as normal ones do. */
const sourceShape: Width = (fitted) => {
  const { sorted } = fitted.source.energy.calibration.inside;
  const shape = quantile(sorted, confidencePercent / 100) / Math.sqrt(mean(sorted.map((score) => score ** 2)));
  const normal = relativeHalfWidth({ factor: 1, degrees: 1e7 }, confidencePercent);
  const width = student(0)(fitted);
  return (tested) => (shape / normal) * width(tested);
};

/** Not of an ordinary network, but of this one, by its distance to the nearest probe. */
const byDistance: Width = ({ leftOut }) => {
  const relative = relativeHalfWidth(errorSpread(leftOut), confidencePercent);
  return ({ sd }) => relative * sd;
};

const alternatives: readonly [string, Width][] = [
  ['the one at 90 % of the ordered errors; of fewer than 19 the largest, × 1.25', ordered(1.25, 19)],
  ['the one at 90 % of the ordered errors, however few', ordered(1, 0)],
  ['Student’s t on the left-out errors alone', student(0)],
  ['the fit’s own word like 5 errors, not 10', student(5)],
  ['the fit’s own word like 20 errors', student(20)],
  ['spread of the left-out errors, shape of the source’s', sourceShape],
  ['each network by its distance to the nearest probe', byDistance],
];

interface Outcome {
  covered: boolean;
  logHalfWidth: number;
  /** Interval score (Gneiting and Raftery, 2007), in percent: what is narrow is good, what is missed counts by how far. */
  score: number;
}

type Outcomes = Map<string, Outcome[]>;

function outcomesOf(shots: readonly { fitted: Fitted; tested: readonly Tested[] }[], width: Width): Outcomes {
  const outcomes: Outcomes = new Map();
  for (const { fitted, tested } of shots) {
    const widthOf = width(fitted);
    for (const one of tested) {
      const logHalfWidth = widthOf(one);
      const missed = Math.max(0, Math.abs(one.logResidual) - logHalfWidth);
      const score = 100 * (2 * logHalfWidth + (2 / (1 - confidencePercent / 100)) * missed);
      outcomes.set(one.network, [...(outcomes.get(one.network) ?? []), { covered: missed === 0, logHalfWidth, score }]);
    }
  }
  return outcomes;
}

function shotsOf(question: FewShotQuestion, count: number): { fitted: Fitted; tested: Tested[] }[] {
  const { source, rows } = question;
  return choicesOf(question)(count).map(({ chosen }) => {
    const measured = measurementsOf(rows, chosen);
    const fit = fitBoard(source, measured, 'energy');
    const tested = othersThan(rows, measured).map((row) => {
      const query = queryOf(fit.surroundings, row.features, row.batch);
      return {
        network: row.architecture,
        logResidual: Math.log(row.joules / evaluateLogModel(fit.model, query).value),
        inDomain: query.remoteness <= domainReaches,
        sd: residualSd(smallest(query.distances)),
      };
    });
    return { fitted: { source, fit, leftOut: leaveOneOut(source, measured, 'energy') }, tested };
  });
}

/** 90 % interval of how much smaller the mean score is; networks drawn with replacement. */
function gain(before: Outcomes, after: Outcomes): [number, number] {
  const scoreOf = (outcomes: Outcomes, name: string) => mean((outcomes.get(name) ?? []).map(({ score }) => score));
  return gainInterval([...before.keys()].map((name) => ({ saved: scoreOf(before, name) - scoreOf(after, name), count: 1 })));
}

/** Whether the exact interval of the coverage, counted in networks, reaches 90 %. */
function describeOutcomes(outcomes: Outcomes): { text: string; tooFew: boolean } {
  const all = [...outcomes.values()].flat();
  const covered = mean(all.map((one) => Number(one.covered)));
  const [, upper] = binomialInterval(Math.round(covered * outcomes.size), outcomes.size, 90);
  const factor = Math.exp(mean(all.map(({ logHalfWidth }) => logHalfWidth)));
  return { text: `${(100 * covered).toFixed(1)} %, ×${factor.toFixed(2)}`, tooFew: upper < confidencePercent / 100 };
}

export function fewShotWidthTable(boards: readonly { title: string; question: FewShotQuestion }[]): string {
  const columns = boards.flatMap(({ title, question }) =>
    question.counts.map((count) => ({ title: `${title}, ${count}`, shots: shotsOf(question, count) })),
  );
  const before = columns.map(({ shots }) => outcomesOf(shots, shipped));
  const lines = alternatives.map(([name, width]) => {
    const cells = columns.map(({ shots }, index) => {
      const after = outcomesOf(shots, width);
      const [lower, upper] = gain(before[index] ?? new Map(), after);
      const { text, tooFew } = describeOutcomes(after);
      return { text: `${text} (${signed(lower, 1)} to ${signed(upper, 1)})`, lower, upper, tooFew };
    });
    const [gains, loses] = [cells.some(({ lower }) => lower > 0), cells.some(({ upper }) => upper < 0)];
    const verdict = cells.some(({ tooFew }) => tooFew)
      ? 'covers too few'
      : gains && loses
        ? 'gains in one, loses in another'
        : gains
          ? 'gains'
          : loses
            ? 'loses'
            : 'nothing certain';
    return `| ${name} | ${cells.map(({ text }) => text).join(' | ')} | ${verdict} |`;
  });
  return [
    `| interval | ${columns.map(({ title }) => title).join(' | ')} | |`,
    `|---|${columns.map(() => '---|').join('')}---|`,
    `| **as shipped** | ${before.map((outcomes) => `**${describeOutcomes(outcomes).text}**`).join(' | ')} | |`,
    ...lines,
  ].join('\n');
}
