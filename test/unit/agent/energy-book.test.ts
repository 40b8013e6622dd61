// What is said of a model's energy in operation, and why nothing is said: never a reason that is not the real one.
import { beforeEach, describe, expect, it } from 'vitest';
import { EnergyBook } from '../../../agent/measurement/energy-book.ts';
import type { OperationWindow } from '../../../agent/measurement/operation-windows.ts';
import { NodePower } from '../../../agent/power/node-power.ts';
import type { PowerSource } from '../../../agent/power/power-source.ts';
import type { Slot } from '../../../crds/model-instance.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../support/silent-logger.ts';

const never = new AbortController().signal;
const slot: Slot = {
  revision: 'r1',
  modelVersionName: 'm',
  modelVersion: '1',
  variant: 'fp32',
  digest: 'sha256:a',
  size: 1,
  budget: { boundary: 'Module', energyPerInference: '50mJ' },
};
const window = (more: Partial<OperationWindow> = {}): OperationWindow => ({
  boundary: 'Module',
  source: 'ina3221:VDD_IN',
  inferences: 50,
  seconds: 10,
  windowJoules: 0.8,
  joulesPerInference: 0.04,
  baselineRelativeSd: 0,
  id: '2026-01-01T00:00:00.000Z',
  ...more,
});

let clock: FakeClock;
let answers: boolean;
beforeEach(() => {
  clock = new FakeClock();
  answers = true;
});

function world(more: Partial<PowerSource> = {}) {
  const source: PowerSource = {
    name: 'ina3221:VDD_IN',
    kind: 'ina3221',
    boundary: 'Module',
    resolution: { watts: 0.04 },
    intervalMilliseconds: 1000,
    onDemand: false,
    partial: false,
    notes: [],
    read: () => (answers ? Promise.resolve({ reading: { kind: 'power', watts: 4 } }) : Promise.reject(new Error('gone'))),
    ...more,
  };
  const power = new NodePower([{ looked: 'here', found: [source] }], { clock, logger: silentLogger });
  const book = new EnergyBook({ power, clock, deviceClassName: () => undefined });
  const record = (count: number, of: Partial<OperationWindow> = {}) => {
    for (let index = 0; index < count; index++) book.recordWindow('r1', window(of));
  };
  return { power, book, record };
}

describe('energy in operation', () => {
  it('carries the time of its last window, not of the moment in which somebody looks', async () => {
    const { book, record } = world();
    record(5);
    record(1, { id: '2026-01-01T00:01:00.000Z' });
    await clock.advance(86_400_000);
    expect(book.view(slot).energy).toMatchObject({ value: '40mJ', time: '2026-01-01T00:01:00.000Z' });
  });

  it('is none while its meter could not tell it from nothing, however many windows there are', () => {
    // An INA3221 of 40 mW sees 0.29 J in ten seconds: of one inference in them, 40 mJ are lost in it.
    const { book, record } = world();
    record(60, { inferences: 1 });
    const few = { ...slot, budget: { ...slot.budget, minimumInferences: 1 } };
    expect(book.view(few)).toMatchObject({
      energyAbsent: {
        reason: 'BelowResolution',
        message: expect.stringContaining('ina3221:VDD_IN cannot see less than') as string,
      },
      judgement: { verdict: 'Unknown', reason: 'BelowResolution' },
    });
    expect(book.view(few)).not.toHaveProperty('energy');
  });

  it('is not what is left of noise when the windows below idle are dropped', () => {
    const { book, record } = world();
    record(30, { joulesPerInference: 0.02 });
    record(30, { joulesPerInference: -0.02 });
    expect(book.view(slot).energyAbsent?.reason).toBe('BelowResolution');
  });
});

describe('why there is no energy', () => {
  it('is a meter that does not answer, once it does not', async () => {
    const { book, power } = world();
    await power.total?.sample(never);
    expect(book.view(slot).energyAbsent?.reason).toBe('NotMeasuredYet');
    answers = false;
    await power.total?.sample(never);
    expect(book.view(slot).energyAbsent).toEqual({ reason: 'NoPowerSource', message: 'ina3221:VDD_IN does not answer' });
  });

  it('is a source that is read only during controlled loops', () => {
    const { book } = world({ name: 'rpi5-core', boundary: 'CoreRail', onDemand: true });
    const atCore = { ...slot, budget: { ...slot.budget, boundary: 'CoreRail' as const } };
    expect(book.view(atCore).energyAbsent?.message).toContain('rpi5-core is read only during controlled loops');
  });

  it('is told with how many windows and inferences there are, and how many it takes', () => {
    const { book, record } = world();
    record(7, { inferences: 20 });
    expect(book.view(slot).energyAbsent).toEqual({
      reason: 'NotMeasuredYet',
      message: '7 of 6 windows in which this model alone was at work, with 140 of 200 inferences',
    });
  });
});

describe('what was measured of a revision', () => {
  it('is forgotten once no slot names it', () => {
    const { book, record } = world();
    record(6);
    book.keepOnly(new Set(['r1']));
    expect(book.view(slot).energy).toBeDefined();
    book.keepOnly(new Set(['r2']));
    expect(book.view(slot).energy).toBeUndefined();
  });
});
