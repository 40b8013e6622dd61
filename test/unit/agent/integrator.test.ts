import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { counterDifference, Integrator } from '../../../agent/power/integrator.ts';

const watts = fc.double({ min: 0, max: 1000, noNaN: true });
const steps = fc.array(fc.record({ watts, milliseconds: fc.integer({ min: 1, max: 10_000 }) }), { minLength: 2, maxLength: 60 });

describe('the integrator', () => {
  it('adds trapezoids of power', () => {
    const integrator = new Integrator(1000);
    integrator.add({ kind: 'power', watts: 2 }, 0);
    integrator.add({ kind: 'power', watts: 4 }, 1000);
    integrator.add({ kind: 'power', watts: 4 }, 3000);
    expect(integrator.total).toEqual({ joules: 11, integratedSeconds: 3, gapSeconds: 0 });
  });

  it('counts a pause of more than three intervals as a gap and does not fill it', () => {
    const integrator = new Integrator(1000);
    integrator.add({ kind: 'power', watts: 5 }, 0);
    integrator.add({ kind: 'power', watts: 5 }, 3001);
    integrator.add({ kind: 'power', watts: 5 }, 4001);
    expect(integrator.total).toEqual({ joules: 5, integratedSeconds: 1, gapSeconds: 3.001 });
  });

  it('counts the time in which a source was gone as a gap, and not the time in which nobody asked', () => {
    const integrator = new Integrator(1000);
    integrator.add({ kind: 'energy', joules: 5 }, 0);
    integrator.add({ kind: 'energy', joules: 7 }, 1000);
    integrator.interrupt();
    integrator.interrupt();
    integrator.add({ kind: 'energy', joules: 30 }, 4000);
    expect(integrator.total).toEqual({ joules: 2, integratedSeconds: 1, gapSeconds: 3 });
    integrator.rest();
    integrator.add({ kind: 'energy', joules: 99 }, 9000);
    integrator.add({ kind: 'energy', joules: 100 }, 10_000);
    expect(integrator.total).toEqual({ joules: 3, integratedSeconds: 2, gapSeconds: 3 });
  });

  it('never goes down, and accounts for every second as integrated or gap', () => {
    fc.assert(
      fc.property(steps, (readings) => {
        const integrator = new Integrator(1000);
        let at = 0;
        let last = 0;
        for (const reading of readings) {
          at += reading.milliseconds;
          integrator.add({ kind: 'power', watts: reading.watts }, at);
          expect(integrator.total.joules).toBeGreaterThanOrEqual(last);
          last = integrator.total.joules;
        }
        const { integratedSeconds, gapSeconds } = integrator.total;
        expect(integratedSeconds + gapSeconds).toBeCloseTo((at - (readings[0]?.milliseconds ?? 0)) / 1000, 6);
      }),
    );
  });

  it('follows a wrapping counter whatever its steps', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1000, max: 1_000_000 }),
        fc.array(fc.integer({ min: 0, max: 999 }), { maxLength: 100 }),
        (wrap, increments) => {
          const integrator = new Integrator(1000);
          let truth = wrap - 500;
          const start = truth;
          integrator.add({ kind: 'energy', joules: truth % wrap, wrapJoules: wrap }, 0);
          for (const [index, increment] of increments.entries()) {
            truth += increment;
            integrator.add({ kind: 'energy', joules: truth % wrap, wrapJoules: wrap }, (index + 1) * 1000);
          }
          expect(integrator.total.joules).toBeCloseTo(truth - start, 6);
        },
      ),
    );
  });

  it('knows nothing of a counter that was reset and does not wrap', () => {
    expect(counterDifference(100, 4, undefined)).toBeUndefined();
    expect(counterDifference(262143000000, 1000000, 262143328850)).toBe(1328850);
  });

  it('leaves out what is no number, what is negative, and what comes late', () => {
    const integrator = new Integrator(1000);
    integrator.add({ kind: 'power', watts: 1 }, 0);
    integrator.add({ kind: 'power', watts: Number.NaN }, 500);
    integrator.add({ kind: 'power', watts: -3 }, 600);
    integrator.add({ kind: 'power', watts: 1 }, 1000);
    integrator.add({ kind: 'power', watts: 900 }, 900);
    expect(integrator.total.joules).toBe(1);
  });
});
