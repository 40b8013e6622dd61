import { describe, expect, it } from 'vitest';
import {
  type CalibrationMeasurement,
  type CalibrationState,
  correct,
  correctionOf,
  differsVisibly,
  maximumKept,
  noCorrection,
  type ObservationOutcome,
  observe,
  shiftOf,
  uncalibrated,
} from '../../../energy/calibration/online-calibration.ts';
import { estimateShift } from '../../../energy/calibration/shift.ts';
import { gaussian, randomFrom } from '../../support/random.ts';

const halfWidth = Math.log(1.2);
const modelSd = halfWidth / 1.645;

function measurement(fields: Partial<CalibrationMeasurement> & { logResidual: number }): CalibrationMeasurement {
  return { model: 'a', session: 'pi-1/board', logVariance: 0.02 ** 2, logHalfWidth: halfWidth, ...fields };
}

function replay(stream: readonly CalibrationMeasurement[], from: CalibrationState = uncalibrated) {
  const outcomes: ObservationOutcome[] = [];
  let state = from;
  for (const one of stream) {
    const next = observe(state, one);
    state = next.state;
    outcomes.push(next.outcome);
  }
  return { state, outcomes };
}

/** Different networks on one meter, all off by `log` beside the predictor's own errors. */
function stream(options: { count: number; log: number; seed: number; session?: string; spread?: number }) {
  const random = randomFrom(options.seed);
  return Array.from({ length: options.count }, (_, index) =>
    measurement({
      model: `network-${options.seed}-${index}`,
      logResidual: options.log + (options.spread ?? 1) * modelSd * gaussian(random) + 0.02 * gaussian(random),
      ...(options.session === undefined ? {} : { session: options.session }),
    }),
  );
}

const seeds = [11, 12, 13, 14, 15, 16, 17, 18];

describe('the shift that measurements ask for', () => {
  it('is nothing without measurements, and little after one', () => {
    expect(estimateShift([]).log).toBe(0);
    const { log } = shiftOf(replay([measurement({ logResidual: 0.1 })]).state);
    expect(log).toBeGreaterThan(0);
    expect(log).toBeLessThan(0.05);
  });

  it('brings a session that is 38 % off to about 10 % after three measurements', () => {
    const errors = seeds.map((seed) => {
      const { state } = replay(stream({ count: 3, log: Math.log(1.38), seed, spread: 0.5 }));
      return Math.abs(Math.log(1.38) - shiftOf(state, 'pi-1/board').log);
    });
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.1);
  });

  it('does not believe one network more for being measured often', () => {
    const often = Array.from({ length: 20 }, (_, index) => measurement({ logResidual: 0.15, session: `pi-${index % 2}/board` }));
    const { state } = replay(often);
    expect(state.kept).toHaveLength(2);
    expect(shiftOf(state).log).toBeLessThan(0.12);
    expect(shiftOf(state).logSd).toBeGreaterThan(0.05);
  });

  it('is the class’s when several devices agree, and hardly that of a single meter among several', () => {
    const agreeing = ['a', 'b', 'c', 'd'].flatMap((session, index) => stream({ count: 6, log: 0.1, seed: 20 + index, session }));
    expect(shiftOf(replay(agreeing).state).log).toBeCloseTo(0.1, 1);
    const doubled = stream({ count: 6, log: 0.1 + Math.LN2, seed: 30, session: 'doubled' });
    const shift = shiftOf(replay([...agreeing, ...doubled]).state).log;
    expect(Math.abs(shift - 0.1)).toBeLessThan(0.06);
  });
});

describe('the interval', () => {
  it('covers about nine of ten whatever the predictor claims, and says how often it did', () => {
    for (const spread of [0.5, 1, 2]) {
      const shares = seeds.map((seed) => {
        const { state } = replay(stream({ count: 300, log: 0.1, seed, spread }));
        expect(state.tested).toBe(300);
        return state.covered / state.tested;
      });
      const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
      expect(mean).toBeGreaterThan(0.86);
      expect(mean).toBeLessThan(spread < 1 ? 0.99 : 0.94);
    }
  });

  it('narrows for a predictor that is better than it says and widens for one that is worse', () => {
    const { state: better } = replay(stream({ count: 60, log: 0, seed: 1, spread: 0.4 }));
    const { state: worse } = replay(stream({ count: 60, log: 0, seed: 1, spread: 2.5 }));
    expect(correctionOf(better).widthFactor).toBeLessThan(0.85);
    expect(correctionOf(worse).widthFactor).toBeGreaterThan(1.5);
  });

  it('is shifted with the estimate, scaled, and wider by what the shift leaves open', () => {
    const stated = { estimate: 1, lower: 1 / 1.2, upper: 1.2 };
    expect(correct(stated, noCorrection, 90)).toEqual(stated);
    const corrected = correct(stated, { log: 0.1, logSd: 0.05, widthFactor: 1.5 }, 90);
    expect(corrected.estimate).toBeCloseTo(Math.exp(0.1), 9);
    const half = Math.hypot(1.5 * halfWidth, 1.645 * 0.05);
    expect(Math.log(corrected.upper / corrected.estimate)).toBeCloseTo(half, 4);
    expect(Math.log(corrected.estimate / corrected.lower)).toBeCloseTo(half, 4);
  });
});

describe('a meter that is wrong', () => {
  it('by a factor of ten teaches nothing, however often it says so', () => {
    const sound = stream({ count: 10, log: 0.02, seed: 3 });
    const before = replay(sound).state;
    const wrong = stream({ count: 50, log: Math.log(10), seed: 4, session: 'pi-2/board' });
    const { state, outcomes } = replay(wrong, before);
    expect(new Set(outcomes)).toEqual(new Set(['Quarantined']));
    expect(correctionOf(state)).toEqual(correctionOf(before));
    expect(state.quarantined).toEqual([expect.objectContaining({ session: 'pi-2/board', rejected: 50, plausible: 0 })]);
  });

  it.each([10, 0.1])('by a factor of %d is caught as the very first thing that is measured', (factor) => {
    expect(replay(stream({ count: 1, log: Math.log(factor), seed: 5, spread: 0 })).outcomes).toEqual(['Quarantined']);
  });

  it('is caught on a transferred predictor too, whose interval is a factor of two to either side', () => {
    const one = measurement({ logResidual: Math.log(10), logHalfWidth: Math.LN2 });
    expect(observe(uncalibrated, one).outcome).toBe('Quarantined');
    expect(observe(uncalibrated, { ...one, logResidual: Math.log(2.5) }).outcome).toBe('Learned');
  });

  it('is trusted again after three plausible measurements in a row', () => {
    const wrong = measurement({ logResidual: Math.log(10), model: 'x' });
    const sound = (model: string) => measurement({ logResidual: 0.01, model });
    const { outcomes, state } = replay([wrong, sound('a'), sound('b'), wrong, sound('c'), sound('d'), sound('e')]);
    expect(outcomes).toEqual([
      'Quarantined',
      'Quarantined',
      'Quarantined',
      'Quarantined',
      'Quarantined',
      'Quarantined',
      'Learned',
    ]);
    expect(state.quarantined).toEqual([]);
  });

  it('does not take the meters beside it along', () => {
    const { outcomes } = replay([
      measurement({ logResidual: Math.log(10), session: 'pi-2/board' }),
      measurement({ logResidual: 0.05, session: 'pi-1/board' }),
    ]);
    expect(outcomes).toEqual(['Quarantined', 'Learned']);
  });
});

describe('the state', () => {
  it('is the same after a restart in the middle, through JSON', () => {
    const all = stream({ count: 40, log: 0.1, seed: 6 });
    const half = replay(all.slice(0, 20)).state;
    const restored = JSON.parse(JSON.stringify(half)) as CalibrationState;
    expect(replay(all.slice(20), restored).state).toEqual(replay(all).state);
  });

  it('stays bounded', () => {
    const many = Array.from({ length: 500 }, (_, index) =>
      measurement({ model: `m${index}`, session: `s${index}`, logResidual: index % 3 === 0 ? Math.log(10) : 0.02 }),
    );
    const { state } = replay(many);
    expect(state.kept.length).toBe(maximumKept);
    expect(state.quarantined.length).toBeLessThanOrEqual(32);
    expect(JSON.stringify(state).length).toBeLessThan(20_000);
  });

  it('asks for a new version only when somebody could see the difference', () => {
    const correction = { log: 0.1, logSd: 0.05, widthFactor: 1.2 };
    expect(differsVisibly(correction, { ...correction, log: 0.105 })).toBe(false);
    expect(differsVisibly(correction, { ...correction, log: 0.12 })).toBe(true);
    expect(differsVisibly(correction, { ...correction, widthFactor: 1.3 })).toBe(true);
  });

  it('refuses numbers that are none', () => {
    expect(() => observe(uncalibrated, measurement({ logResidual: Number.NaN }))).toThrow('leave the measurement out');
    expect(() => observe(uncalibrated, measurement({ logResidual: 0, logVariance: 0 }))).toThrow('logVariance of a is 0');
  });
});
