// Every alternative against what ships, on the same folds, with a bootstrap over architectures: kept is what gains for certain.
import type { ValidationOptions } from '../../../energy/prediction/training/cross-validation.ts';
import { groupedFolds } from '../../../energy/prediction/training/folds.ts';
import { mean } from '../../../energy/prediction/training/scores.ts';
import type { TrainingRow } from '../../../energy/prediction/training/training-row.ts';
import { alternatives, type Fit, reference } from './alternatives.ts';
import { gainInterval, signed } from './bootstrap-gain.ts';

/** In points. */
const leastShown = 0.005;

/** Percent errors of held-out rows, by architecture. */
type Errors = Map<string, number[]>;

function heldOut(rows: readonly TrainingRow[], options: ValidationOptions, train: Fit): Errors {
  const groups = rows.map((row) => row[options.groupBy]);
  const folds = Math.min(options.folds, new Set(groups).size);
  const errors: Errors = new Map();
  for (let repeat = 0; repeat < options.repeats; repeat += 1) {
    const foldOf = groupedFolds(groups, folds, options.seed + repeat);
    for (let fold = 0; fold < folds; fold += 1) {
      const tested = rows.filter((row, index) => foldOf[index] === fold && options.scored?.(row) !== false);
      if (tested.length === 0) continue;
      const predict = train(
        rows.filter((_, index) => foldOf[index] !== fold),
        options.referenceSession,
      );
      for (const row of tested) {
        const list = errors.get(row.architecture) ?? [];
        list.push(100 * Math.abs(predict(row) / row.joules - 1));
        errors.set(row.architecture, list);
      }
    }
  }
  return errors;
}

/** 90 % interval of how much smaller the mean error is, in points; architectures drawn with replacement. */
function gain(before: Errors, after: Errors): [number, number] {
  return gainInterval(
    [...before.keys()].sort().map((name) => {
      const [one, other] = [before.get(name) ?? [], after.get(name) ?? []];
      return { count: one.length, saved: one.reduce((sum, error, index) => sum + error - (other[index] ?? error), 0) };
    }),
  );
}

export interface Table {
  title: string;
  rows: readonly TrainingRow[];
  /** By architecture, then by family. */
  options: readonly ValidationOptions[];
}

export function triedTable(tables: readonly Table[], note: (text: string) => void): string {
  const columns = tables.flatMap(({ title, rows, options }) =>
    options.map((one) => ({ title: one.groupBy === 'family' ? `${title}, unseen family` : title, rows, options: one })),
  );
  const meanOf = (errors: Errors) => mean([...errors.values()].flat());
  const before = columns.map(({ rows, options }) => heldOut(rows, options, reference.fit));
  const lines = alternatives.map(({ name, fit }) => {
    note(name);
    const cells = columns.map(({ rows, options }, index) => {
      const errors = heldOut(rows, options, fit);
      const [lower, upper] = gain(before[index] ?? new Map(), errors);
      return { text: `${meanOf(errors).toFixed(2)} % (${signed(lower, 2)} to ${signed(upper, 2)})`, lower, upper };
    });
    // Less than what the table shows is nothing.
    const [gains, loses] = [cells.some(({ lower }) => lower >= leastShown), cells.some(({ upper }) => upper <= -leastShown)];
    const verdict = gains && loses ? 'gains in one, loses in another' : gains ? 'gains' : loses ? 'loses' : 'nothing certain';
    return `| ${name} | ${cells.map(({ text }) => text).join(' | ')} | ${verdict} |`;
  });
  return [
    `| tried | ${columns.map(({ title }) => title).join(' | ')} | |`,
    `|---|${columns.map(() => '---|').join('')}---|`,
    `| **${reference.name}** | ${before.map((errors) => `**${meanOf(errors).toFixed(2)} %**`).join(' | ')} | |`,
    ...lines,
  ].join('\n');
}
