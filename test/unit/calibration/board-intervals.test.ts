import { describe, expect, it } from 'vitest';
import { errorSpread, priorErrors, relativeHalfWidth } from '../../../energy/calibration/board-intervals.ts';
import { studentQuantile } from '../../../energy/measurement/student-t.ts';
import { gaussian, randomFrom } from '../../support/random.ts';

const errors = (...relative: number[]) => relative.map((one) => ({ logResidual: 0.1 * one, expectedSd: 0.1 }));
const twenty = (size: number) => errors(...Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? size : -size)));

/** Share of new errors inside the interval that `count` left-out ones say; all are `factor` times as large as the fit expects. */
function coverage(count: number, factor: number): number {
  const random = randomFrom(count + 100 * factor);
  const runs = 4000;
  let covered = 0;
  for (let run = 0; run < runs; run += 1) {
    const leftOut = errors(...Array.from({ length: count }, () => factor * gaussian(random)));
    covered += Number(Math.abs(factor * gaussian(random)) <= relativeHalfWidth(errorSpread(leftOut), 90));
  }
  return covered / runs;
}

describe('the interval of a board that was fitted to probes', () => {
  it('is Student’s t of what the fit expects, when left-out probes are off by just that', () => {
    expect(errorSpread(twenty(1))).toEqual({ factor: 1, degrees: 29 });
    expect(relativeHalfWidth(errorSpread(twenty(1)), 90)).toBeCloseTo(studentQuantile(0.95, 29), 9);
    expect(relativeHalfWidth(errorSpread(twenty(1)), 95)).toBeCloseTo(studentQuantile(0.975, 29), 9);
  });

  it('follows what left-out probes say, with the fit’s own word counted like ten of them', () => {
    expect(errorSpread(twenty(3)).factor).toBeCloseTo(Math.sqrt((priorErrors + 20 * 9) / 30), 9);
    expect(errorSpread(twenty(0)).factor).toBeCloseTo(Math.sqrt(priorErrors / 30), 9);
    expect(errorSpread(twenty(3), 0)).toEqual({ factor: expect.closeTo(3, 9) as number, degrees: 19 });
  });

  it('weighs an error by what was expected there', () => {
    const near = [{ logResidual: 0.02, expectedSd: 0.02 }];
    const far = [{ logResidual: 0.2, expectedSd: 0.2 }];
    expect(errorSpread(near)).toEqual(errorSpread(far));
  });

  it.each([10, 20, 40])('holds nine of ten new errors with %i probes, when the fit is right about itself', (count) => {
    expect(coverage(count, 1)).toBeGreaterThan(0.885);
    expect(coverage(count, 1)).toBeLessThan(0.925);
  });

  it('still holds four of five with ten probes when all errors are twice what the fit expects, and more with more', () => {
    expect(coverage(10, 2)).toBeGreaterThan(0.8);
    expect(coverage(40, 2)).toBeGreaterThan(0.86);
    expect(coverage(20, 0.5)).toBeGreaterThan(0.9);
  });
});
