import { describe, expect, it } from 'vitest';
import { fitCosts } from '../../../energy/calibration/cost-fit.ts';
import { randomFrom } from '../../support/random.ts';

const kinds = [0, 0, 1, 1];
const elsewhere = [1, 2, 0.1, 0.4];

function rows(count: number, seed: number): number[][] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, () => elsewhere.map((cost) => (0.05 + random()) / cost));
}

function diagonal(count: number, variance: number): Float64Array {
  const matrix = new Float64Array(count * count);
  for (let index = 0; index < count; index += 1) matrix[index * count + index] = variance;
  return matrix;
}

function costsOf(costs: readonly number[], count: number, variance = 1e-6) {
  const amounts = rows(count, 3);
  const logs = amounts.map((row) => Math.log(row.reduce((sum, amount, index) => sum + amount * (costs[index] ?? 0), 0)));
  return fitCosts(
    { amounts, logs, covariance: diagonal(count, variance) },
    { costs: elsewhere, kinds, kindSd: 0.3, costSd: 0.5 },
  );
}

describe('fitting costs of work to few measurements', () => {
  it('finds every cost where there are more measurements than costs', () => {
    const truth = [3, 2.5, 0.9, 0.7];
    const found = costsOf(truth, 12).costs;
    for (const [index, cost] of truth.entries()) expect(found[index]).toBeCloseTo(cost, 1);
  });

  it('keeps the proportions of the other board when one measurement only says how much faster this one is', () => {
    const found = costsOf(
      elsewhere.map((cost) => 7 * cost),
      1,
    ).costs;
    const apart = (found[0] ?? 0) / (found[3] ?? 0) / 2.5;
    expect(Math.abs(apart - 1)).toBeLessThan(0.05);
    for (const [index, cost] of elsewhere.entries()) expect((found[index] ?? 0) / (7 * cost)).toBeCloseTo(1, 1);
  });

  it('never makes a cost negative, whatever was measured', () => {
    const random = randomFrom(9);
    for (let draw = 0; draw < 20; draw += 1) {
      const amounts = rows(6, draw);
      const logs = amounts.map(() => 6 * random() - 3);
      const { costs } = fitCosts(
        { amounts, logs, covariance: diagonal(6, 1e-4) },
        { costs: elsewhere, kinds, kindSd: 0.3, costSd: 0.5 },
      );
      for (const cost of costs) expect(cost).toBeGreaterThan(0);
    }
  });

  it('leaves to the residual what no costs explain', () => {
    const amounts = rows(5, 3);
    const logs = amounts.map((_, index) => (index === 2 ? 2 : 0));
    const { weights } = fitCosts(
      { amounts, logs, covariance: diagonal(5, 0.04) },
      { costs: elsewhere, kinds, kindSd: 0.1, costSd: 0.1 },
    );
    expect(weights[2]).toBeGreaterThan(0);
    expect(Math.abs(weights[2] ?? 0)).toBe(Math.max(...Array.from(weights, Math.abs)));
  });

  it('refuses measurements without any variance that contradict each other', () => {
    const amounts = [elsewhere, elsewhere];
    expect(() =>
      fitCosts({ amounts, logs: [0, 1], covariance: new Float64Array(4) }, { costs: elsewhere, kinds, kindSd: 1, costSd: 1 }),
    ).toThrow('variance above zero');
  });
});
