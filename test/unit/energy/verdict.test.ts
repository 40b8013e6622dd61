import { describe, expect, it } from 'vitest';
import { reasons } from '../../../crds/conditions.ts';
import type { Boundary, Prediction } from '../../../energy/prediction/prediction.ts';
import {
  judgeMeasurement,
  judgePower,
  judgePrediction,
  predictPower,
  quantityAt,
  worstVerdict,
} from '../../../energy/prediction/verdict.ts';
import { testPrediction } from '../../support/test-prediction.ts';

const board = testPrediction('pi-board@1', [0.03, 0.024, 0.04], {
  latencySeconds: { estimate: 0.005, lower: 0.004, upper: 0.006 },
});
const coreRail: Prediction = { ...board, predictor: 'pi-core@1', boundary: 'CoreRail', quantity: 'Marginal' };

describe('a budget of energy per inference', () => {
  it.each<[string, Partial<Prediction>, number, Boundary, string, string]>([
    ['is kept when the upper bound is within it', {}, 0.04, 'Board', 'WithinBudget', 'WithinBudget'],
    ['is exceeded when the lower bound is above it', {}, 0.0239, 'Board', 'ExceedsBudget', 'BudgetExceededPredicted'],
    ['is uncertain at the lower bound', {}, 0.024, 'Board', 'Uncertain', 'BudgetUncertain'],
    ['is uncertain between', {}, 0.03, 'Board', 'Uncertain', 'BudgetUncertain'],
    ['is never kept by a transferred prediction', { transferred: true }, 1, 'Board', 'Uncertain', 'Transferred'],
    [
      'may be exceeded by a transferred prediction',
      { transferred: true },
      0.01,
      'Board',
      'ExceedsBudget',
      'BudgetExceededPredicted',
    ],
    ['is not decided out of domain, low', { inDomain: false }, 0.001, 'Board', 'Uncertain', 'OutOfDomain'],
    ['is not decided out of domain, high', { inDomain: false }, 1, 'Board', 'Uncertain', 'OutOfDomain'],
    ['is not compared with another boundary', {}, 1, 'CoreRail', 'Unknown', 'BoundaryMismatch'],
    ['is not compared with another quantity', { quantity: 'Marginal' }, 1, 'Board', 'Unknown', 'BoundaryMismatch'],
  ])('%s', (_, change, budgetJoules, boundary, verdict, reason) => {
    expect(judgePrediction({ budgetJoules, boundary, prediction: { ...board, ...change } })).toMatchObject({ verdict, reason });
  });

  it('is Unknown without a predictor', () => {
    expect(judgePrediction({ budgetJoules: 1, boundary: 'Board', prediction: undefined })).toMatchObject({
      verdict: 'Unknown',
      reason: 'NoPredictor',
    });
  });

  it('says the number that decided', () => {
    const { message } = judgePrediction({ budgetJoules: 0.01, boundary: 'Board', prediction: board });
    expect(message).toBe('predicted 30mJ [24mJ, 40mJ] by pi-board@1: lower bound 24mJ > budget 10mJ');
  });

  it('means active energy, but marginal energy at the core rail', () => {
    expect(quantityAt('Board')).toBe('Active');
    expect(quantityAt('CoreRail')).toBe('Marginal');
    expect(judgePrediction({ budgetJoules: 1, boundary: 'CoreRail', prediction: coreRail }).verdict).toBe('WithinBudget');
  });
});

describe('a budget of power', () => {
  const question = {
    budgetWatts: 1,
    boundary: 'Board',
    powerBasis: 'Marginal',
    requestRate: 10,
    idleWatts: 3,
    prediction: board,
  } as const;

  it('counts rate × (active − idle × seconds) above idle', () => {
    const power = predictPower(board, { requestRate: 10, powerBasis: 'Marginal', idleWatts: 3 });
    expect(power.kind).toBe('power');
    if (power.kind !== 'power') return;
    expect(power.watts.estimate).toBeCloseTo(10 * (0.03 - 3 * 0.005), 12);
    expect(power.watts.upper).toBeCloseTo(10 * (0.04 - 3 * 0.005), 12);
  });

  it('adds idle once for the whole board', () => {
    const power = predictPower(board, { requestRate: 10, powerBasis: 'Whole', idleWatts: 3 });
    expect(power.kind === 'power' && power.watts.estimate).toBeCloseTo(3 + 10 * (0.03 - 3 * 0.005), 12);
  });

  it('never answers less than nothing', () => {
    const power = predictPower(board, { requestRate: 10, powerBasis: 'Marginal', idleWatts: 100 });
    expect(power.kind === 'power' && power.watts).toEqual({ estimate: 0, lower: 0, upper: 0 });
  });

  it('needs no idle power for marginal energy at the core rail', () => {
    expect(judgePower({ ...question, boundary: 'CoreRail', idleWatts: undefined, prediction: coreRail }).verdict).toBe(
      'WithinBudget',
    );
  });

  it.each([
    ['a rate', { requestRate: undefined }, 'NoDeclaredLoad'],
    ['idle power', { idleWatts: undefined }, 'NoIdlePower'],
    ['a predictor', { prediction: undefined }, 'NoPredictor'],
    ['the same boundary', { boundary: 'Module' as Boundary }, 'BoundaryMismatch'],
    ['a rate that the device can serve', { requestRate: 201 }, 'LoadExceedsCapacity'],
  ])('needs %s', (_, change, reason) => {
    expect(judgePower({ ...question, ...change })).toMatchObject({ verdict: 'Unknown', reason });
  });

  it('is not refused for a load that a network out of domain, or a transferred one, may well take', () => {
    const overloaded = { ...question, requestRate: 201 };
    expect(judgePower({ ...overloaded, prediction: { ...board, inDomain: false } })).toMatchObject({ reason: 'OutOfDomain' });
    const transferred = (lower: number) =>
      judgePower({
        ...overloaded,
        prediction: { ...board, transferred: true, latencySeconds: { estimate: 0.005, lower, upper: 0.01 } },
      });
    expect(transferred(0.0025).reason).not.toBe('LoadExceedsCapacity');
    expect(transferred(0.00499).reason).toBe('LoadExceedsCapacity');
  });

  it.each([
    [0.3, 'WithinBudget'],
    [0.2, 'Uncertain'],
    [0.05, 'ExceedsBudget'],
  ])('of %d W is judged %s', (budgetWatts, verdict) => expect(judgePower({ ...question, budgetWatts }).verdict).toBe(verdict));
});

describe('a measurement', () => {
  const reading = { estimate: 0.03, lower: 0.029, upper: 0.031, boundary: 'Board', quantity: 'Active', source: 'fnb58' } as const;
  const question = { budgetJoules: 0.03, boundary: 'Board', quantity: 'Active', reading } as const;

  it.each([
    [0.031, 'WithinBudget', 'WithinBudget'],
    [0.03, 'Uncertain', 'BudgetUncertain'],
    [0.0289, 'ExceedsBudget', 'BudgetExceededMeasured'],
  ])('against %d J is %s', (budgetJoules, verdict, reason) => {
    expect(judgeMeasurement({ ...question, budgetJoules })).toMatchObject({ verdict, reason });
  });

  it.each(['NoPowerSource', 'BelowResolution'] as const)('that is absent (%s) is Unknown, never fine', (absent) => {
    expect(judgeMeasurement({ ...question, reading: { absent } })).toMatchObject({ verdict: 'Unknown', reason: absent });
  });

  it('of another boundary or quantity is not compared', () => {
    expect(judgeMeasurement({ ...question, boundary: 'CoreRail' }).reason).toBe('BoundaryMismatch');
    expect(judgeMeasurement({ ...question, quantity: 'Marginal' }).reason).toBe('BoundaryMismatch');
  });
});

it('the worst of several verdicts is the one that a class shows', () => {
  expect(worstVerdict(['WithinBudget', 'Uncertain'])).toBe('Uncertain');
  expect(worstVerdict(['Unknown', 'ExceedsBudget', 'WithinBudget'])).toBe('ExceedsBudget');
  expect(worstVerdict(['Uncertain', 'Unknown'])).toBe('Unknown');
  expect(worstVerdict([])).toBe('Unknown');
});

it('every reason is one of the conditions’ vocabulary', () => {
  const judged = [
    judgePrediction({ budgetJoules: 1, boundary: 'Board', prediction: board }),
    judgePrediction({ budgetJoules: 1, boundary: 'Board', prediction: { ...board, transferred: true } }),
    judgePower({ budgetWatts: 1, boundary: 'Board', powerBasis: 'Whole', requestRate: 1, prediction: board }),
  ];
  for (const { reason } of judged) expect(Object.keys(reasons)).toContain(reason);
});
