import { describe, expect, it } from 'vitest';
import { type AttributionWindow, attribute } from '../../../energy/measurement/attribution.ts';
import { minimumDetectableEnergy } from '../../../energy/measurement/detectable-energy.ts';
import { activeEnergy, marginalEnergy, wholePower, windowEnergy } from '../../../energy/measurement/energies.ts';
import { judgeAbsolute, judgePaired, looks } from '../../../energy/measurement/sequential-test.ts';
import { intervalCovers, pairedVerdict, scenarios, shareOf } from '../../support/noisy-board.ts';
import { gaussian, randomFrom } from '../../support/random.ts';

/** Not tuned to: each claim holds from each of these. */
const firstSeeds = [1, 90_001];

describe('the interval of six windows, restarted each time', () => {
  it.each(scenarios)('covers what it says at $name, noise $sd, correlation $rho', (scenario) => {
    for (const first of firstSeeds) {
      const covered = shareOf(800, first, (seed) => intervalCovers(seed, scenario));
      // 90 % within three standard errors of 800 runs; a little less is the price of a window's finite steps.
      expect(covered).toBeGreaterThan(0.868);
      expect(covered).toBeLessThan(0.94);
    }
  });
});

describe('the paired test of a candidate', () => {
  it.each(scenarios)('catches +10 % and leaves an equal one alone at $name, noise $sd, correlation $rho', (scenario) => {
    for (const first of firstSeeds) {
      const share = (change: number, verdict: string) =>
        shareOf(300, first, (seed) => pairedVerdict(seed, change, scenario) === verdict);
      expect(share(1.1, 'Failed')).toBeGreaterThanOrEqual(0.98);
      expect(share(1, 'Failed')).toBeLessThanOrEqual(0.02);
      expect(share(1, 'Successful')).toBeGreaterThan(0.9);
      // Exactly at the margin nothing is true or false: wrong rejections stay within the stated 5 %, and three standard errors of 300 runs.
      expect(share(1.05, 'Failed')).toBeLessThanOrEqual(0.05 + 3 * Math.sqrt((0.05 * 0.95) / 300));
    }
  });

  it('looks only after 6, 10, 16 and 24 quads', () => {
    const decided = Array.from({ length: 30 }, (_, index) => index + 1).filter(
      (count) => judgePaired({ ratio: { count, meanLog: 0, varianceLog: 1e-6 }, marginPercent: 5 }).kind !== 'Running',
    );
    expect(decided).toEqual([...looks]);
    expect(judgePaired({ ratio: { count: 3, meanLog: 0, varianceLog: 1 }, marginPercent: 5 })).toEqual({
      kind: 'Running',
      nextLook: 6,
    });
  });

  it('is Inconclusive when the last look does not decide, or the allowed windows are used up', () => {
    const unsure = { meanLog: Math.log(1.05), varianceLog: 0.01 };
    expect(judgePaired({ ratio: { count: 6, ...unsure }, marginPercent: 5 })).toMatchObject({ kind: 'Running', nextLook: 10 });
    expect(judgePaired({ ratio: { count: 24, ...unsure }, marginPercent: 5 })).toMatchObject({ kind: 'Inconclusive', look: 4 });
    expect(judgePaired({ ratio: { count: 8, ...unsure }, marginPercent: 5, maximumQuads: 8 })).toMatchObject({
      kind: 'Inconclusive',
    });
  });

  it('fails on the budget too, and succeeds only below both', () => {
    const ratio = { count: 6, meanLog: 0, varianceLog: 1e-6 };
    const budget = { joules: 0.03, gainRelativeSd: 0, baselineRelativeSd: 0 };
    const candidate = (joules: number) => ({ count: 12, meanLog: Math.log(joules), varianceLog: 1e-6 });
    expect(judgePaired({ ratio, marginPercent: 5, budget: { ...budget, candidate: candidate(0.04) } }).kind).toBe('Failed');
    expect(judgePaired({ ratio, marginPercent: 5, budget: { ...budget, candidate: candidate(0.03) } }).kind).toBe('Running');
    expect(judgePaired({ ratio, marginPercent: 5, budget: { ...budget, candidate: candidate(0.02) } }).kind).toBe('Successful');
  });
});

describe('the absolute test of a first revision', () => {
  const question = { budgetJoules: 0.03, gainRelativeSd: 0.01, baselineRelativeSd: 0 };
  const energy = (joules: number, count = 6) => ({ count, meanLog: Math.log(joules), varianceLog: 1e-4 });

  it.each([
    [0.02, 'Successful'],
    [0.04, 'Failed'],
    [0.03, 'Running'],
  ])('of %d J against 30 mJ is %s', (joules, kind) =>
    expect(judgeAbsolute({ ...question, energy: energy(joules) }).kind).toBe(kind),
  );

  it('counts the meter’s gain, which no repetition averages out', () => {
    expect(judgeAbsolute({ ...question, energy: energy(0.0296, 24) }).kind).toBe('Inconclusive');
    expect(judgeAbsolute({ ...question, gainRelativeSd: 0, energy: energy(0.0296, 24) }).kind).toBe('Successful');
  });
});

describe('the energies of a window', () => {
  // 3 W idle; each inference takes 20 ms and 60 mJ above idle; 5 per second for 100 s.
  const window = { joules: 3 * 100 + 500 * 0.06, seconds: 100, inferences: 500, secondsPerInference: 0.02, idleWatts: 3 };
  const joulesOf = (outcome: ReturnType<typeof activeEnergy>) => (outcome.kind === 'energy' ? outcome.joules : Number.NaN);

  it('each say something else', () => {
    expect(joulesOf(windowEnergy(window))).toBeCloseTo(0.66, 12);
    expect(joulesOf(marginalEnergy(window))).toBeCloseTo(0.06, 12);
    expect(joulesOf(activeEnergy(window))).toBeCloseTo(0.12, 12);
    expect(wholePower(3, [{ perSecond: 5, marginalJoules: 0.06 }])).toBeCloseTo(3.3, 12);
  });

  it('active energy does not depend on the load', () => {
    const busy = { ...window, inferences: 5000, joules: 3 * 100 + 5000 * 0.06 };
    expect(joulesOf(activeEnergy(busy))).toBeCloseTo(joulesOf(activeEnergy(window)), 12);
  });

  it.each([
    ['NoInferences', { inferences: 0 }],
    ['NoIdlePower', { idleWatts: undefined }],
    ['LoadExceedsCapacity', { secondsPerInference: 1 }],
  ])('are absent with a reason: %s', (reason, change) => {
    expect(activeEnergy({ ...window, ...change })).toEqual({ kind: 'absent', reason });
  });
});

it('what a source can tell apart depends on its step, its rate, the window and the inferences', () => {
  const orin = { stepWatts: 0.04, samplesPerSecond: 10 };
  const window = { seconds: 10, inferences: 100 };
  const least = minimumDetectableEnergy(orin, window);
  expect(least).toBeGreaterThan((0.04 / 2) * 0.1);
  expect(least).toBeLessThan(0.04 * 0.1);
  expect(minimumDetectableEnergy(orin, { ...window, inferences: 200 })).toBeCloseTo(least / 2, 12);
  expect(minimumDetectableEnergy({ ...orin, samplesPerSecond: 0.2 }, window)).toBeGreaterThan(least);
  expect(minimumDetectableEnergy({ stepJoules: 1e-3, samplesPerSecond: 10 }, window)).toBeCloseTo(1e-5, 12);
});

describe('attribution of shared power', () => {
  function windows(seed: number, count = 360): AttributionWindow[] {
    const noise = randomFrom(seed + 5000);
    const random = randomFrom(seed);
    let wander = 0;
    return Array.from({ length: count }, () => {
      wander = 0.6 * wander + 0.05 * gaussian(noise);
      const [a, b, other] = [4 * random(), 3 * random(), 2 * random()] as [number, number, number];
      const watts = 3 + 0.2 * a + 0.5 * b + 0.3 * other + wander;
      return { seconds: 10, joules: watts * 10, modelCpuSeconds: { a: 10 * a, b: 10 * b }, otherCpuSeconds: 10 * other };
    });
  }

  it('finds the joules per CPU-second of each process, labelled Shared', () => {
    const result = attribute(windows(1), 90);
    expect(result?.models['a']).toMatchObject({ attribution: 'Shared' });
    expect(result?.models['a']?.joulesPerCpuSecond).toBeCloseTo(0.2, 1);
    expect(result?.models['b']?.joulesPerCpuSecond).toBeCloseTo(0.5, 1);
    expect(result?.constantWatts).toBeCloseTo(3, 1);
    expect(result?.explained).toBeGreaterThan(0.9);
  });

  it('its 90 % intervals cover', () => {
    let covered = 0;
    for (let seed = 1; seed <= 200; seed += 1) {
      const data = windows(seed, 120);
      const truth = 0.2 * data.reduce((sum, window) => sum + (window.modelCpuSeconds['a'] ?? 0), 0);
      const share = attribute(data, 90)?.models['a'];
      if (share && share.lower <= truth && truth <= share.upper) covered += 1;
    }
    expect(covered / 200).toBeGreaterThan(0.85);
  });

  it('says nothing from too few windows, and nothing negative for an idle process', () => {
    expect(attribute(windows(1, 12), 90)).toBeUndefined();
    const idle = windows(3).map((window) => ({ ...window, modelCpuSeconds: { ...window.modelCpuSeconds, c: 0 } }));
    expect(attribute(idle, 90)?.models['c']).toMatchObject({ joules: 0, lower: 0 });
  });
});
