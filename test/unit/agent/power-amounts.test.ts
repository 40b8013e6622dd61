import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BudgetView, PowerView } from '../../../agent/enforcement/budget-judge.ts';
import { decideThrottle } from '../../../agent/enforcement/decide-throttle.ts';
import { Pace } from '../../../agent/enforcement/pace.ts';
import { readPower } from '../../../agent/enforcement/power-amounts.ts';
import { createThrottleNote } from '../../../agent/enforcement/throttle-note.ts';
import { NodePower } from '../../../agent/power/node-power.ts';
import type { PowerSource } from '../../../agent/power/power-source.ts';
import { PowerLedger, type PowerStretch } from '../../../agent/record/power-ledger.ts';
import type { Slot } from '../../../crds/model-instance.ts';
import { judgeMeasuredPower } from '../../../energy/prediction/measured-power.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../support/silent-logger.ts';

const noon = Date.UTC(2026, 10, 21, 12);
const hour = 3_600_000;

const stretch = (from: number, seconds: number, watts: number, more: Partial<PowerStretch> = {}): PowerStretch => ({
  revision: 'r1',
  boundary: 'Board',
  source: 'ina3221:VDD_IN',
  from,
  to: from + seconds * 1000,
  loadedSeconds: seconds,
  wholeSeconds: seconds,
  marginalSeconds: seconds,
  wholeJoules: (watts + 3) * seconds,
  marginalJoules: watts * seconds,
  marginalLowerJoules: watts * seconds,
  marginalUpperJoules: watts * seconds,
  idleErrorJoules: 0.01 * seconds,
  busySeconds: seconds / 2,
  ...more,
});

const average = { name: 'AveragePower', powerBasis: 'Marginal', seconds: 300, confidencePercent: 90 } as const;
const day = { ...average, name: 'EnergyPerDay', seconds: 86_400 } as const;
const source: PowerSource = {
  name: 'ina3221:VDD_IN',
  kind: 'ina3221',
  boundary: 'Board',
  resolution: { watts: 0.04 },
  intervalMilliseconds: 1000,
  onDemand: false,
  partial: false,
  notes: [],
  read: () => Promise.reject(new Error('not read here')),
};

describe('average power', () => {
  it('is judged over its whole window, and not before', () => {
    const ledger = new PowerLedger();
    for (let at = 0; at < 26; at++) ledger.add(stretch(noon + at * 10_000, 10, 2));
    const early = ledger.sum('r1', 'Board', noon - 40_000);
    const reading = early && readPower(average, early);
    expect(reading?.coveragePermille).toBe(866);
    expect(reading && judgeMeasuredPower(1, reading)).toMatchObject({ verdict: 'Unknown', reason: 'NotMeasuredYet' });
    for (let at = 26; at < 30; at++) ledger.add(stretch(noon + at * 10_000, 10, 2));
    const whole = ledger.sum('r1', 'Board', noon);
    const full = whole && readPower(average, whole);
    expect(full).toMatchObject({ estimate: 2, coveragePermille: 1000 });
    expect(full && judgeMeasuredPower(1, full)).toMatchObject({ verdict: 'ExceedsBudget' });
    expect(full && judgeMeasuredPower(2.5, full)).toMatchObject({ verdict: 'WithinBudget' });
    expect(full && judgeMeasuredPower(2, full)).toMatchObject({ verdict: 'Uncertain' });
  });

  it('is forgotten once no slot names its revision', () => {
    const ledger = new PowerLedger();
    for (const revision of ['r1', 'r2']) ledger.add(stretch(noon, 10, 2, { revision }));
    ledger.keepOnly(new Set(['r2']));
    expect(ledger.sum('r1', 'Board', noon)).toBeUndefined();
    expect(ledger.sum('r2', 'Board', noon)).toBeDefined();
  });

  it('counts idle once with Whole, and not at all with Marginal', () => {
    const sum = stretch(noon, 300, 2);
    expect(readPower({ ...average, powerBasis: 'Whole' }, sum)?.estimate).toBeCloseTo(5, 9);
    expect(readPower(average, { ...sum, marginalSeconds: 0 })).toBeUndefined();
  });

  it('beside another model lies between nothing and all, and does not break a budget by guess', () => {
    const shared = stretch(noon, 300, 2, { marginalLowerJoules: 0, marginalUpperJoules: 1200 });
    const reading = readPower(average, shared);
    expect(reading && judgeMeasuredPower(1, reading).verdict).toBe('Uncertain');
  });
});

describe('energy per day', () => {
  it('is of the last 24 hours, over restarts, in bounded memory', () => {
    let ledger = new PowerLedger();
    for (let at = 0; at < 30 * 360; at++) {
      ledger.add(stretch(noon + at * 10_000, 10, 1));
      if (at % 1000 === 0) ledger = new PowerLedger(ledger.records(new Set(['r1']), noon + at * 10_000));
    }
    const now = noon + 30 * hour;
    const records = ledger.records(new Set(['r1', 'r2']), now);
    expect(records.length).toBeLessThanOrEqual(146);
    expect(new PowerLedger(records).sum('r1', 'Board', now - 24 * hour)?.marginalJoules).toBeCloseTo(86_400, -3);
    expect(ledger.records(new Set(['r2']), now)).toEqual([]);
  });

  it('breaks a budget by what was measured, but keeps one only when nearly all was measured', () => {
    const half = stretch(noon, 7200, 1, {
      marginalSeconds: 3600,
      marginalJoules: 3600,
      marginalLowerJoules: 3600,
      marginalUpperJoules: 3600,
    });
    const reading = readPower(day, half);
    expect(reading && judgeMeasuredPower(1800, reading).verdict).toBe('ExceedsBudget');
    expect(reading && judgeMeasuredPower(18_000, reading)).toMatchObject({ verdict: 'Unknown' });
  });

  it('never gets less with more in it', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 1, maxLength: 50 }), (watts) => {
        const ledger = new PowerLedger();
        let last = 0;
        for (const [index, value] of watts.entries()) {
          ledger.add(stretch(noon + index * 10_000, 10, value));
          const now = ledger.sum('r1', 'Board', noon)?.marginalJoules ?? 0;
          expect(now).toBeGreaterThanOrEqual(last);
          last = now;
        }
      }),
    );
  });
});

describe('the throttle', () => {
  const view = (watts: number, budgetWatts: number): PowerView => {
    const sum = stretch(noon, 300, watts);
    const measured = readPower(average, sum);
    if (!measured) throw new Error('nothing measured');
    return { budgetWatts, judgement: { verdict: 'ExceedsBudget', reason: '', message: '' }, sum, measured };
  };

  it('lets a model be busy as often as its power allows', () => {
    // 2 W on average while busy half of the time: 4 W at work.
    expect(decideThrottle([view(2, 1)], source, 3)).toEqual({ kind: 'duty', duty: expect.closeTo(0.225, 6) });
    expect(decideThrottle([view(2, 4.5)], source, 3)).toEqual({ kind: 'unneeded' });
  });

  it('does not act on what the meter cannot tell from noise', () => {
    expect(decideThrottle([view(0.05, 0.01)], source, 3)).toMatchObject({ kind: 'undetectable' });
  });

  it('says with the verdict why it holds nothing back', () => {
    const clock = new FakeClock();
    const pace = new Pace(clock);
    const power = new NodePower([{ looked: 'here', found: [source] }], { clock, logger: silentLogger });
    const note = createThrottleNote({ pace, power, baselines: { last: () => undefined } });
    const slot = (budget: Slot['budget']) => ({ revision: 'r1', budget }) as Slot;
    const broken = (powers: PowerView[]): BudgetView => ({
      judgement: { verdict: 'ExceedsBudget', reason: '', message: '' },
      powerReadings: [],
      powers,
    });
    const throttling = slot({ whenExceeded: 'Throttle' });
    expect(note(throttling, broken([view(0.05, 0.01)]))).toContain('so this is only reported');
    expect(note(throttling, broken([]))).toBe('a throttle makes no single inference cheaper, so this is only reported');
    expect(note(throttling, broken([view(2, 1)]))).toBeUndefined();
    expect(note(slot({ whenExceeded: 'Report' }), broken([view(0.05, 0.01)]))).toBeUndefined();
    expect(note(slot({ whenExceeded: 'Throttle', enforcement: 'Warn' }), broken([view(0.05, 0.01)]))).toBeUndefined();
    pace.set('r1', 0.5);
    expect(note(throttling, broken([view(0.05, 0.01)]))).toBe('throttled to 50 % of the time');
    pace.keepOnly(new Set(['r2']));
    expect(pace.dutyOf('r1')).toBeUndefined();
  });

  it('says nothing of a model that nobody asked, or of which nothing was seen', () => {
    const unseen = { ...view(2, 1), sum: { ...stretch(noon, 300, 0), busySeconds: 1 } };
    const unasked = { ...view(2, 1), sum: { ...stretch(noon, 300, 2), busySeconds: 0 } };
    for (const views of [[unseen], [unasked], []]) expect(decideThrottle(views, source, 3)).toEqual({ kind: 'unknown' });
  });

  it('holds requests back, refuses those that would wait long, and forgets when it is lifted', async () => {
    const clock = new FakeClock();
    const pace = new Pace(clock);
    pace.set('r1', 0.5);
    await pace.turn('r1', 1.2);
    await expect(pace.turn('r1', 0.1)).rejects.toMatchObject({ kind: 'queueFull', retryAfterSeconds: 3 });
    await clock.advance(1000);
    const waiting = pace.turn('r1', 0.1);
    await clock.advance(1400);
    await waiting;
    expect(pace.noteOf('r1')).toContain('50 %');
    pace.lift('r1');
    await pace.turn('r1', 100);
    expect(pace.noteOf('r1')).toBeUndefined();
  });
});
