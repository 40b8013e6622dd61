import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { studentQuantile } from '../../../energy/measurement/student-t.ts';
import { cholesky, choleskySolve, logDeterminant } from '../../../energy/prediction/regression/cholesky.ts';
import { evaluateGaussianProcess, fitGaussianProcess } from '../../../energy/prediction/regression/gaussian-process.ts';
import { nonNegativeLeastSquares } from '../../../energy/prediction/regression/non-negative-least-squares.ts';
import { distancesTo, pointSet } from '../../../energy/prediction/regression/point-set.ts';
import { binomialInterval } from '../../../energy/prediction/training/coverage.ts';
import vectors from './fixtures/vectors.json' with { type: 'json' };

describe('non-negative least squares', () => {
  it.each(vectors.nnls.map((vector, index) => [index, vector] as const))('agrees with SciPy on case %d', (_, vector) => {
    const solution = nonNegativeLeastSquares(vector.design, vector.target);
    for (const [index, value] of solution.entries()) expect(value).toBeCloseTo(vector.solution[index] ?? Number.NaN, 7);
  });

  it('never answers a negative cost, and no single cost can be changed for the better', () => {
    const matrix = fc.array(fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 4, maxLength: 4 }), {
      minLength: 6,
      maxLength: 12,
    });
    fc.assert(
      fc.property(matrix, fc.infiniteStream(fc.double({ min: 0.1, max: 10, noNaN: true })), (design, stream) => {
        const target = design.map(() => stream.next().value);
        const solution = nonNegativeLeastSquares(design, target);
        const loss = (x: readonly number[]) =>
          design.reduce((sum, row, i) => sum + (row.reduce((s, v, j) => s + v * (x[j] ?? 0), 0) - (target[i] ?? 0)) ** 2, 0);
        const best = loss(solution);
        for (const [index, value] of solution.entries()) {
          expect(value).toBeGreaterThanOrEqual(0);
          for (const step of [1e-3, -1e-3]) {
            const moved = solution.map((other, at) => (at === index ? Math.max(0, value + step) : other));
            expect(loss(moved)).toBeGreaterThan(best - 1e-6 * (1 + best));
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('goes to the prior where the rows say nothing', () => {
    const design = [
      [1, 0],
      [2, 0],
    ];
    const [first, second] = nonNegativeLeastSquares(design, [3, 6], { ridge: [0, 0.1], prior: [0, 7] });
    expect(first).toBeCloseTo(3, 9);
    expect(second).toBeCloseTo(7, 9);
  });
});

describe('the Gaussian process', () => {
  const { points, targets, queries, parameters, means } = vectors.gaussianProcess;

  it('agrees with scikit-learn', () => {
    const process = fitGaussianProcess(
      { points, targets, sessions: targets.map(() => 'one'), referenceSession: 'one' },
      { ...parameters, session: 0 },
    );
    const set = pointSet(points);
    for (const [index, query] of queries.entries())
      expect(evaluateGaussianProcess(process, query, distancesTo(set, query))).toBeCloseTo(means[index] ?? Number.NaN, 8);
  });

  it('tells an offset between sessions from the function itself', () => {
    const shift = 0.2;
    const both = [...points, ...points];
    const data = {
      points: both,
      targets: [...targets, ...targets.map((target) => target + shift)],
      sessions: both.map((_, index) => (index < points.length ? 'reference' : 'other')),
      referenceSession: 'reference',
    };
    const process = fitGaussianProcess(data, { ...parameters, session: 0.05 });
    const set = pointSet(both);
    const [query = []] = queries;
    const alone = means[0] ?? Number.NaN;
    expect(Math.abs(evaluateGaussianProcess(process, query, distancesTo(set, query)) - alone)).toBeLessThan(shift / 4);
  });
});

describe('Cholesky factors', () => {
  it('solve what they factor, and refuse what is not positive definite', () => {
    const matrix = Float64Array.from([4, 2, 2, 3]);
    const factor = cholesky(matrix, 2);
    expect(factor).toBeDefined();
    if (!factor) return;
    const solution = choleskySolve(factor, 2, [8, 7]);
    expect(solution[0]).toBeCloseTo(1.25, 12);
    expect(solution[1]).toBeCloseTo(1.5, 12);
    expect(logDeterminant(factor, 2)).toBeCloseTo(Math.log(8), 12);
    expect(cholesky(Float64Array.from([1, 2, 2, 1]), 2)).toBeUndefined();
  });
});

describe('distributions', () => {
  it.each(vectors.student)(
    't below $probability with $degrees degrees of freedom agrees with SciPy',
    ({ probability, degrees, quantile }) => {
      expect(studentQuantile(probability, degrees) / quantile).toBeCloseTo(1, 8);
    },
  );

  it.each(vectors.binomial)('exact interval of $successes in $trials agrees with SciPy', ({ successes, trials, interval }) => {
    const [lower, upper] = binomialInterval(successes, trials, 90);
    expect(lower).toBeCloseTo(interval[0] ?? Number.NaN, 6);
    expect(upper).toBeCloseTo(interval[1] ?? Number.NaN, 6);
  });
});
