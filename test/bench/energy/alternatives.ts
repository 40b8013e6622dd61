// Other ways to make a whole-board predictor, each a change of one thing: what they gain or lose is in docs/energy.md.
import { descriptorNames, descriptorWeights, rooflineKinds } from '../../../energy/prediction/quantities.ts';
import { distanceBetween, matern32 } from '../../../energy/prediction/regression/gaussian-process.ts';
import { fitHull, gate, nearestDistance, standardize } from '../../../energy/prediction/regression/hull.ts';
import { evaluateRoofline, fitRoofline, type RooflineOptions } from '../../../energy/prediction/roofline.ts';
import { prepared } from '../../../energy/prediction/training/fit.ts';
import type { TrainingRow } from '../../../energy/prediction/training/training-row.ts';
import { fitProcess, type Process, type Similarity } from './residual-process.ts';

export type Predict = (row: TrainingRow) => number;
export type Fit = (training: readonly TrainingRow[], referenceSession: string) => Predict;

interface Recipe {
  target: (row: TrainingRow) => number;
  amounts: (row: TrainingRow) => readonly number[];
  roofline: RooflineOptions;
  weights: readonly number[];
  similarity: Similarity;
  /** Student's t on the residuals: rows far off count less. */
  isRobust: boolean;
}

const shipped: Recipe = {
  target: ({ joules }) => joules,
  amounts: (row) => prepared(row).amounts,
  roofline: {},
  weights: descriptorWeights,
  similarity: (left, right, lengthScale) => matern32(distanceBetween(left, right), lengthScale),
  isRobust: false,
};

const hullQuantile = 0.95;
const studentDegrees = 4;

function fitRecipe(change: Partial<Recipe>): Fit {
  const recipe = { ...shipped, ...change };
  return (training, referenceSession) => {
    const raw = training.map((row) => prepared(row).descriptors);
    const architectures = training.map(({ architecture }) => architecture);
    const hull = fitHull(raw, architectures, hullQuantile, recipe.weights);
    const points = raw.map((row) => standardize(hull, row));
    const sessions = training.map(({ session }) => session);
    const fitOnce = (noiseFactors: readonly number[], before: Process | undefined) => {
      const corrected = training.map((row) => recipe.target(row) / Math.exp(before?.offset(row.session) ?? 0));
      const roofline = fitRoofline(training.map(recipe.amounts), corrected, recipe.roofline);
      const targets = training.map((row) => Math.log(recipe.target(row) / evaluateRoofline(roofline, recipe.amounts(row))));
      const process = fitProcess({ points, targets, sessions, referenceSession, noiseFactors }, recipe.similarity);
      return { roofline, process };
    };
    const factors = training.map(({ noiseFactor }) => noiseFactor);
    let { roofline, process } = fitOnce(factors, undefined);
    if (new Set(sessions).size > 1) ({ roofline, process } = fitOnce(factors, process));
    if (recipe.isRobust) {
      const doubted = process.standardized.map(
        (residual, index) => (factors[index] ?? 1) * Math.max(1, (studentDegrees + residual ** 2) / (studentDegrees + 1)),
      );
      ({ roofline, process } = fitOnce(doubted, process));
    }
    return (row) => {
      const point = standardize(hull, prepared(row).descriptors);
      const share = gate(nearestDistance(point, points), hull.reach);
      const residual = share * process.mean(point) + process.offset(row.session);
      return evaluateRoofline(roofline, recipe.amounts(row)) * Math.exp(residual);
    };
  };
}

const timesPower: Fit = (training, referenceSession) => {
  const time = fitRecipe({ target: ({ seconds }) => seconds })(training, referenceSession);
  const power = fitRecipe({
    target: ({ joules, seconds }) => joules / seconds,
    amounts: () => [1],
    roofline: { kinds: [0] },
  })(training, referenceSession);
  return (row) => time(row) * power(row);
};

const asShipped = fitRecipe({});

/** Positions of the descriptors that begin like this; the rest describe the shape of the work. */
const starting = (prefix: string) => descriptorNames.flatMap((name, index) => (name.startsWith(prefix) ? [index] : []));
const [sizes, macShares, byteShares] = [starting('log'), starting('macShare'), starting('byteShare')];
const shapes = descriptorNames.flatMap((_, index) => ([...sizes, ...macShares, ...byteShares].includes(index) ? [] : [index]));
const groups = [sizes, macShares, byteShares, shapes];

const additive: Similarity = (left, right, lengthScale) =>
  groups.reduce((sum, group) => {
    const pick = (point: readonly number[]) => group.map((index) => point[index] ?? 0);
    return sum + matern32(distanceBetween(pick(left), pick(right)), lengthScale);
  }, 0) / groups.length;

const histogramScale = 4;
/** Weisfeiler and Lehman's kernel without iterations: how much of the work of two graphs is of the same kinds. */
const histogram: Similarity = (left, right, lengthScale) => {
  let apart = 0;
  for (const index of [...macShares, ...byteShares]) apart += Math.abs((left[index] ?? 0) - (right[index] ?? 0)) / histogramScale;
  return Math.exp(-apart / lengthScale) * matern32(Math.abs((left[0] ?? 0) - (right[0] ?? 0)), 2 * lengthScale);
};

/** What a roofline could know beyond sums of work, each a kind of its own. */
const furtherTerms: Readonly<Record<string, (row: TrainingRow) => number>> = {
  'for nodes bound by memory': ({ features }) => features.roofline.b8 / 1e6,
  'for outputs that do not fill a GPU': ({ features }) => features.occupancy.t32 / 1e9,
  'for bytes of exponentials': ({ features }) => features.transcendentalBytes / 1e6,
  'for nodes with small outputs': ({ features, batch }) => features.smallNodes / batch,
};

function withTerms(terms: readonly ((row: TrainingRow) => number)[]): Fit {
  const further = terms.map((_, index) => Math.max(...rooflineKinds) + 1 + index);
  return fitRecipe({
    amounts: (row) => [...prepared(row).amounts, ...terms.map((term) => term(row))],
    roofline: { kinds: [...rooflineKinds, ...further] },
  });
}

export interface Alternative {
  name: string;
  fit: Fit;
}

export const reference: Alternative = { name: 'as shipped', fit: asShipped };

export const alternatives: readonly Alternative[] = [
  { name: 'roofline by least squares, not Huber’s loss', fit: fitRecipe({ roofline: { huberThreshold: Infinity } }) },
  { name: 'roofline without a pull to one cost per kind of work', fit: fitRecipe({ roofline: { priorRows: 0 } }) },
  { name: 'sizes count full in distances, not half', fit: fitRecipe({ weights: descriptorNames.map(() => 1) }) },
  {
    name: 'trained on the reference campaign alone',
    fit: (training, session) =>
      asShipped(
        training.filter((row) => row.session === session),
        session,
      ),
  },
  { name: 'predicted time × predicted power', fit: timesPower },
  {
    name: 'geometric mean of energy and time × power',
    fit: (training, session) => {
      const [one, other] = [asShipped(training, session), timesPower(training, session)];
      return (row) => Math.sqrt(one(row) * other(row));
    },
  },
  { name: 'Student’s t on residuals: rows far off count less', fit: fitRecipe({ isRobust: true }) },
  { name: 'additive kernel over sizes, MACs, bytes and shape', fit: fitRecipe({ similarity: additive }) },
  { name: 'graph kernel: histogram of kinds of work', fit: fitRecipe({ similarity: histogram }) },
  ...Object.entries(furtherTerms).map(([name, term]) => ({ name: `roofline with a term ${name}`, fit: withTerms([term]) })),
  { name: 'roofline with all four of these terms', fit: withTerms(Object.values(furtherTerms)) },
];
