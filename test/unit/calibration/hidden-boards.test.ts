import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { parsePredictor } from '../../../energy/prediction/predictor.ts';
import { mean } from '../../../energy/prediction/training/scores.ts';
import { type HiddenBoardScore, hiddenBoardScores } from '../../bench/energy/hidden-boards.ts';

const shipped = (name: string) =>
  parsePredictor(readFileSync(new URL(`../../../data/predictors/${name}.json`, import.meta.url), 'utf8'));

describe('a board with hidden costs, a misfit of 15 % per kind of layer, throttling and a meter in 40 mW steps', () => {
  let scores: HiddenBoardScore[];

  beforeAll(() => {
    scores = hiddenBoardScores([shipped('jetson-nano-board-pytorch'), shipped('raspberry-pi-5-board-pytorch')]);
  }, 60_000);

  it('is predicted within 15 % on networks that were not measured, whichever board it is', () => {
    expect(scores.length).toBeGreaterThanOrEqual(8);
    for (const { board, meanAbsolutePercent, networks } of scores) {
      expect(networks).toBeGreaterThan(100);
      expect([board, meanAbsolutePercent]).toSatisfy(([, error]) => error <= 15);
    }
  });

  it('is predicted far better than by one number per multiply–add, or by the other board times a factor', () => {
    for (const { meanAbsolutePercent, macsOnlyPercent, scaledSourcePercent } of scores)
      expect(meanAbsolutePercent).toBeLessThan(0.75 * Math.min(macsOnlyPercent, scaledSourcePercent));
  });

  it('has about nine of ten networks in the interval that the probes alone say', () => {
    expect(mean(scores.map(({ covered }) => covered))).toBeGreaterThan(0.85);
    for (const { covered, halfWidthFactor } of scores) {
      expect(covered).toBeGreaterThan(0.75);
      expect(halfWidthFactor).toBeLessThan(1.5);
    }
  });
});
