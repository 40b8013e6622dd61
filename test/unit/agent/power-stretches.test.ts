import fc from 'fast-check';
import { destination, pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { OperationInterval } from '../../../agent/measurement/operation-windows.ts';
import { powerStretches } from '../../../agent/measurement/power-stretches.ts';
import { SharedPower } from '../../../agent/measurement/shared-power.ts';
import { sharedReadings } from '../../../agent/measurement/shared-readings.ts';
import { PowerMeter } from '../../../agent/power/power-meter.ts';
import type { ServedModel } from '../../../agent/serving/served-model.ts';
import { parseEnergy } from '../../../energy/units.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const logger = pino({ level: 'silent' }, destination({ dest: 2, sync: true }));
const meter = new PowerMeter(
  {
    name: 'board',
    kind: 'hwmon',
    boundary: 'Board',
    resolution: { watts: 0.02 },
    intervalMilliseconds: 1000,
    onDemand: false,
    partial: false,
    notes: [],
    read: () => Promise.reject(new Error('not read here')),
  },
  { clock: new FakeClock(), logger },
);
const baseline = { watts: 3, relativeSd: 0.01, source: 'board', time: 0, at: 0 };
/** The ledger asks a model for its revision alone. */
const work = (revision: string, inferences: number, modelSeconds: number): OperationInterval['models'][number] => ({
  model: { slot: { revision } } as ServedModel,
  inferences,
  modelSeconds,
});
const interval = (more: Partial<OperationInterval>): OperationInterval => ({
  from: 0,
  to: 10_000,
  seconds: 10,
  disturbed: false,
  throttled: false,
  meters: [{ meter, joules: 50, baseline }],
  models: [work('r1', 5, 2), work('r2', 0, 0)],
  ...more,
});

describe('what was drawn above idle', () => {
  it('is all of the model that worked alone, and nothing of one that rested', () => {
    const [worked, rested] = powerStretches(interval({}), [meter]);
    expect(worked).toMatchObject({ marginalJoules: 20, marginalLowerJoules: 20, marginalUpperJoules: 20, busySeconds: 2 });
    expect(rested).toMatchObject({ marginalJoules: 0, marginalUpperJoules: 0, marginalSeconds: 10, idleErrorJoules: 0 });
  });

  it('is not known while a controlled loop ran, the idle power is unknown, or the meter had a gap', () => {
    const [disturbed] = powerStretches(interval({ disturbed: true }), [meter]);
    const [unknown] = powerStretches(interval({ meters: [{ meter, joules: 50 }] }), [meter]);
    const [gap] = powerStretches(interval({ meters: [] }), [meter]);
    expect(disturbed).toMatchObject({ marginalSeconds: 0, wholeSeconds: 10, wholeJoules: 50 });
    expect(unknown).toMatchObject({ marginalSeconds: 0, wholeSeconds: 10 });
    expect(gap).toMatchObject({ marginalSeconds: 0, wholeSeconds: 0, wholeJoules: 0, loadedSeconds: 10 });
  });

  it('is shared whole among those that worked, each within its bounds', () => {
    const seconds = fc.double({ min: 0.001, max: 5, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(seconds, { minLength: 2, maxLength: 5 }),
        fc.double({ min: 30, max: 90, noNaN: true }),
        (busy, joules) => {
          const models = busy.map((value, index) => work(`r${index}`, 1, value));
          const stretches = powerStretches(interval({ models, meters: [{ meter, joules, baseline }] }), [meter]);
          const sum = stretches.reduce((total, stretch) => total + stretch.marginalJoules, 0);
          expect(sum).toBeCloseTo(joules - 30, 6);
          for (const stretch of stretches) {
            expect(stretch.marginalJoules).toBeGreaterThanOrEqual(stretch.marginalLowerJoules);
            expect(stretch.marginalJoules).toBeLessThanOrEqual(stretch.marginalUpperJoules + 1e-9);
          }
        },
      ),
    );
  });
});

describe('of models that take turns on one board', () => {
  const truth = { r1: 4, r2: 1.5 };
  /** Ten seconds in which each works as long as it is told, 3 W idle. */
  const window = (index: number, busy1: number, busy2: number, noise = 0): OperationInterval =>
    interval({
      from: index * 10_000,
      to: (index + 1) * 10_000,
      models: [work('r1', Math.ceil(busy1 * 10), busy1), work('r2', Math.ceil(busy2 * 10), busy2)],
      meters: [{ meter, joules: 30 + truth.r1 * busy1 + truth.r2 * busy2 + noise, baseline }],
    });
  const filled = (mix: (index: number) => [number, number], count = 120) => {
    const shared = new SharedPower();
    for (let index = 0; index < count; index += 1) shared.add(window(index, ...mix(index), Math.sin(index * 2.7) * 0.4));
    return shared;
  };
  const varied = (index: number): [number, number] => [1 + (index % 7) / 2, 1 + ((index * 3) % 5) / 2];
  const last = window(120, 3, 3);

  it('each has what its own time costs, within bounds, once their loads have varied apart', () => {
    const shared = filled(varied);
    const [first, second] = powerStretches(last, [meter], (of) => shared.workingWatts(of));
    for (const [stretch, watts] of [
      [first, truth.r1],
      [second, truth.r2],
    ] as const) {
      expect(stretch?.marginalJoules).toBeCloseTo(3 * watts, 0);
      // How often such bounds hold the truth is a matter of many draws, and tested where they are made.
      expect(stretch?.marginalLowerJoules).toBeLessThanOrEqual(3.15 * watts);
      expect(stretch?.marginalUpperJoules).toBeGreaterThanOrEqual(2.85 * watts);
      expect((stretch?.marginalUpperJoules ?? 0) - (stretch?.marginalLowerJoules ?? 0)).toBeLessThan(2);
    }
  });

  it('nothing is known of either while they have always worked alike: at least nothing, at most nearly all', () => {
    const shared = filled(() => [2, 2]);
    const [first] = powerStretches(last, [meter], (of) => shared.workingWatts(of));
    expect(first?.marginalLowerJoules).toBe(0);
    expect(first?.marginalUpperJoules).toBeCloseTo(3 * (truth.r1 + truth.r2), 6);
    expect(sharedReadings(last, (of) => shared.workingWatts(of)).length).toBeLessThanOrEqual(1);
  });

  it('nor from the first minutes, nor from windows in which a controlled loop ran or the board was throttled', () => {
    expect(filled(varied, 20).workingWatts(meter).size).toBe(0);
    const disturbed = new SharedPower();
    for (let index = 0; index < 120; index += 1) disturbed.add({ ...window(index, ...varied(index)), disturbed: true });
    expect(disturbed.workingWatts(meter).size).toBe(0);
    const throttled = new SharedPower();
    for (let index = 0; index < 120; index += 1) throttled.add({ ...window(index, ...varied(index)), throttled: true });
    expect(throttled.workingWatts(meter).size).toBe(0);
  });

  it('keeps one hour: what a model drew before does not weigh on now', () => {
    const shared = filled(varied);
    for (let index = 500; index < 620; index += 1) {
      const [busy1, busy2] = varied(index);
      const joules = 30 + 8 * busy1 + truth.r2 * busy2;
      shared.add({ ...window(index, busy1, busy2), meters: [{ meter, joules, baseline }] });
    }
    expect(shared.workingWatts(meter).get('r1')?.estimate).toBeCloseTo(8, 1);
  });

  it('a reading per inference is labelled Shared, and holds the idle power where the boundary counts it', () => {
    const shared = filled(varied);
    const readings = sharedReadings(last, (of) => shared.workingWatts(of));
    expect(readings.map(({ reading }) => reading)).toMatchObject([
      { attribution: 'Shared', boundary: 'Board', quantity: 'Active', inferences: 30 },
      { attribution: 'Shared', boundary: 'Board', quantity: 'Active', inferences: 30 },
    ]);
    // (4 W + 3 W idle) × 3 s ÷ 30 inferences.
    expect(parseEnergy(readings[0]?.reading.value ?? '')).toBeCloseTo(0.7, 1);
    expect(sharedReadings(window(0, 3, 0), () => new Map())).toEqual([]);
  });
});
