import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meanLogInterval } from '../../../energy/measurement/intervals.ts';
import { normalQuantile, studentQuantile } from '../../../energy/measurement/student-t.ts';

describe('quantiles', () => {
  it.each([
    [0.975, 1.959963985],
    [0.95, 1.644853627],
    [0.5, 0],
    [0.001, -3.090232306],
  ])('of the normal distribution below %d', (probability, value) => expect(normalQuantile(probability)).toBeCloseTo(value, 5));

  it.each([
    [0.1, 1, 6.313751515],
    [0.1, 2, 2.91998558],
    [0.1, 5, 2.015048373],
    [0.05, 5, 2.570581836],
    [0.1, 9, 1.833112933],
    [0.01, 4, 4.604094871],
    [0.1, 95, 1.661051817],
  ])('of Student outside %d with %d degrees of freedom', (outside, degrees, value) => {
    expect(studentQuantile(1 - outside / 2, degrees)).toBeCloseTo(value, 4);
  });
});

describe('the interval of measured energy', () => {
  const exact = { confidencePercent: 90, gainRelativeSd: 0, baselineRelativeSd: 0 };

  it('holds the geometric mean, and is as wide as the windows differ', () => {
    const { estimate, lower, upper, meanLog } = meanLogInterval([0.9, 1, 1.1, 1, 0.95, 1.05], exact);
    expect(Math.log(estimate)).toBeCloseTo(meanLog, 12);
    expect(lower).toBeLessThan(estimate);
    expect(upper / estimate).toBeCloseTo(estimate / lower, 12);
  });

  it('is never narrower than the meter can be trusted', () => {
    const { estimate, upper } = meanLogInterval([1, 1, 1, 1, 1, 1], { ...exact, gainRelativeSd: 0.01 });
    expect(Math.log(upper / estimate)).toBeCloseTo(0.016448536, 6);
  });

  it('covers the truth about as often as it says', () => {
    let seed = 1;
    const random = () => {
      seed = (seed * 48271) % 2147483647;
      return seed / 2147483647;
    };
    const runs = 2000;
    let covered = 0;
    for (let run = 0; run < runs; run++) {
      const samples = Array.from({ length: 6 }, () => Math.exp(0.1 * normalQuantile(random())));
      const { lower, upper } = meanLogInterval(samples, exact);
      if (lower <= 1 && upper >= 1) covered++;
    }
    expect(covered / runs).toBeGreaterThan(0.88);
    expect(covered / runs).toBeLessThan(0.92);
  });

  it('does not depend on the order, and scales with the unit', () => {
    const energies = fc.array(fc.double({ min: 1e-6, max: 1e3, noNaN: true }), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(energies, fc.double({ min: 1e-3, max: 1e3, noNaN: true }), (samples, factor) => {
        const one = meanLogInterval(samples, exact);
        const other = meanLogInterval(
          samples.toReversed().map((sample) => sample * factor),
          exact,
        );
        expect(other.estimate / one.estimate / factor).toBeCloseTo(1, 9);
        expect(other.upper / one.upper / factor).toBeCloseTo(1, 6);
      }),
    );
  });

  it('refuses what has no logarithm, and a single window', () => {
    expect(() => meanLogInterval([1, 0, 1], exact)).toThrow('0 J has no logarithm');
    expect(() => meanLogInterval([1], exact)).toThrow('at least two windows, not 1');
  });
});
