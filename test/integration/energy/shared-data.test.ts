// With the measurement tables beside the project: what ships is what the data gives. Without them these tests are skipped.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePredictor, predict } from '../../../energy/prediction/predictor.ts';
import type { PlanName } from '../../../energy/prediction/training/plans.ts';
import { artifactText, completePlan, planRows, trainShipped } from '../../../energy/prediction/training/ship.ts';
import { fitOptions } from '../../../energy/prediction/training/train.ts';
import { fewRowsScores } from '../../bench/energy/few-rows.ts';

const data = path.join(import.meta.dirname, '../../../../shared/data/energy');
const present = existsSync(path.join(data, 'timm_boards.csv'));
const read = (name: string) => readFileSync(path.join(data, name), 'utf8');
const shipped = (name: PlanName) => readFileSync(path.join(import.meta.dirname, `../../../data/predictors/${name}.json`), 'utf8');

if (!present) process.stderr.write(`energy: no measurement tables at ${data}: the tests that train on them are skipped\n`);

describe.skipIf(!present)('the shipped predictors, from the measurement tables', () => {
  it.each<PlanName>(['raspberry-pi-5-corerail-onnxruntime', 'raspberry-pi-5-board-pytorch', 'jetson-nano-board-pytorch'])(
    '%s: training again gives the same bytes, scores included',
    {
      timeout: 180_000,
    },
    (name) => {
      expect(artifactText(trainShipped(name, read))).toBe(shipped(name));
    },
  );

  it.each<
    [PlanName, { meanAbsolutePercent: number; medianAbsolutePercent: number; r2?: number; logR2?: number; family?: number }]
  >([
    ['raspberry-pi-5-board-pytorch', { meanAbsolutePercent: 7, medianAbsolutePercent: 5, r2: 0.977, family: 15 }],
    ['jetson-nano-board-pytorch', { meanAbsolutePercent: 9, medianAbsolutePercent: 5, logR2: 0.97, family: 16.5 }],
    ['raspberry-pi-5-corerail-onnxruntime', { meanAbsolutePercent: 3.5, medianAbsolutePercent: 2.7, logR2: 0.995, family: 15 }],
  ])('%s holds its bars', (name, bars) => {
    const { card } = parsePredictor(shipped(name));
    const { byArchitecture, byFamily } = card.scores;
    expect(byArchitecture.meanAbsolutePercent).toBeLessThanOrEqual(bars.meanAbsolutePercent);
    expect(byArchitecture.medianAbsolutePercent).toBeLessThanOrEqual(bars.medianAbsolutePercent);
    expect(byArchitecture.r2).toBeGreaterThanOrEqual(bars.r2 ?? 0);
    expect(byArchitecture.logR2).toBeGreaterThanOrEqual(bars.logR2 ?? 0);
    expect(byFamily?.meanAbsolutePercent ?? 0).toBeLessThanOrEqual(bars.family ?? 100);
    expect(card.baselines[0]?.scores.meanAbsolutePercent).toBeGreaterThan(2 * byArchitecture.meanAbsolutePercent);
  });

  it('twenty rows of the core rail predict the others within 6.4 %', () => {
    const name = 'raspberry-pi-5-corerail-onnxruntime';
    const { meanAbsolutePercent } = fewRowsScores(planRows(name, read), fitOptions(completePlan(name, read), 'joules'), 20);
    expect(meanAbsolutePercent).toBeLessThanOrEqual(6.4);
  }, 60_000);

  it('no measured value is served as a prediction', () => {
    for (const name of ['raspberry-pi-5-board-pytorch', 'jetson-nano-board-pytorch'] as const) {
      const predictor = parsePredictor(shipped(name));
      for (const row of planRows(name, read)) {
        const { estimate } = predict(predictor, row.features, predictor.card.key, { confidencePercent: 90 }).joulesPerInference;
        expect(Math.abs(estimate / row.joules - 1), row.architecture).toBeGreaterThan(1e-6);
      }
    }
  });
});
