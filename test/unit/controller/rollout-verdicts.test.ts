// A part of what `npm run bench rollout-verdicts` runs at length: whole rollouts on simulated boards.
import { describe, expect, it } from 'vitest';
import { scenarios } from '../../support/noisy-board.ts';
import { simulateMany, simulateRollout } from '../../support/simulated-rollout.ts';

const fast = scenarios.filter(({ seconds }) => seconds === 10);
const count = 100;

describe.each(fast)('on a board with $sd of noise at correlation $rho', (scenario) => {
  it('rejects a successor that needs ten percent more energy', () => {
    const { shares, seconds } = simulateMany(count, 1, { scenario, kind: 'successor', ratio: 1.1 });
    expect(shares.rejected).toBeGreaterThanOrEqual(0.98);
    expect(seconds[1], 'within the 96 windows that the budget allows').toBeLessThanOrEqual(960);
  });

  it('promotes one that needs the same', () => {
    const { shares } = simulateMany(count, 1, { scenario, kind: 'successor', ratio: 1 });
    expect(shares.rejected).toBeLessThanOrEqual(0.02);
    expect(shares.promoted).toBeGreaterThanOrEqual(0.9);
  });

  it('holds a first version to its budget', () => {
    expect(simulateMany(count, 1, { scenario, kind: 'first', ratio: 1.1 }).shares.rejected).toBeGreaterThanOrEqual(0.95);
    expect(simulateMany(count, 1, { scenario, kind: 'first', ratio: 0.9 }).shares.promoted).toBeGreaterThanOrEqual(0.95);
  });
});

it('is undecided at the margin more often than wrong, and the same seed says the same', () => {
  const [scenario] = fast;
  if (!scenario) throw new Error('there is no scenario');
  const { shares } = simulateMany(count, 1, { scenario, kind: 'successor', ratio: 1.05 });
  expect(shares.inconclusive).toBeGreaterThan(0.8);
  expect(shares.rejected).toBeLessThanOrEqual(0.05);
  const one = { seed: 7, scenario, kind: 'successor', ratio: 1.03 } as const;
  expect(simulateRollout(one)).toEqual(simulateRollout(one));
});
