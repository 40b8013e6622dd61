import fc from 'fast-check';
import { destination, pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { OperationInterval } from '../../../agent/measurement/operation-windows.ts';
import { powerStretches } from '../../../agent/measurement/power-stretches.ts';
import { PowerMeter } from '../../../agent/power/power-meter.ts';
import type { ServedModel } from '../../../agent/serving/served-model.ts';
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
