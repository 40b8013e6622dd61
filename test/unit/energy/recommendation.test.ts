import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PredictorCard } from '../../../energy/prediction/card.ts';
import type { Prediction } from '../../../energy/prediction/prediction.ts';
import { categoryOf, paretoFront, recommend } from '../../../energy/prediction/recommendation.ts';

const catalogue = { p25: 0.1, p50: 0.2, p75: 0.4 };
const card: PredictorCard = {
  deviceClass: 'made-up',
  key: {},
  boundary: 'Board',
  quantity: 'Active',
  data: [],
  manifest: 'none',
  rows: 1,
  architectures: 1,
  referenceSession: 'single',
  assumptions: [],
  scaleAssumed: false,
  scores: { byArchitecture: { count: 1, meanAbsolutePercent: 1, medianAbsolutePercent: 1, r2: 1, logR2: 1 } },
  latencyScores: { byArchitecture: { count: 1, meanAbsolutePercent: 1, medianAbsolutePercent: 1, r2: 1, logR2: 1 } },
  baselines: [],
  coverage: { confidencePercent: 90, insidePermille: 900, insideCount: 1, halfWidthFactor: 1.2 },
  featureRanges: {},
  catalogue,
  extractorVersion: 1,
  date: '2026-01-01',
};
const prediction = (joules: number, changes: Partial<Prediction> = {}): Prediction => ({
  predictor: 'made-up@1',
  boundary: 'Board',
  quantity: 'Active',
  joulesPerInference: { estimate: joules, lower: joules / 1.2, upper: joules * 1.2, confidencePercent: 90 },
  latencySeconds: { estimate: 0.05, lower: 0.04, upper: 0.06 },
  inDomain: true,
  transferred: false,
  mismatches: [],
  unknownParts: [],
  method: 'made up',
  ...changes,
});

describe('a category', () => {
  it.each([
    [0.09, 'EXCELLENT'],
    [0.1, 'GOOD'],
    [0.2, 'ACCEPTABLE'],
    [0.4, 'HIGH'],
  ])('%d J is %s', (joules, category) => expect(categoryOf(joules, catalogue)).toBe(category));

  it('is not given without a catalogue, nor to a network unlike the known ones', () => {
    expect(categoryOf(0.1, undefined)).toBeNull();
    expect(recommend(prediction(0.05, { inDomain: false }), card, 1e6, {}).category).toBeNull();
  });
});

describe('advice', () => {
  it.each([
    ['within the budget', prediction(0.05), { maximumJoules: 0.1 }, 'WithinBudget', 'Deploy'],
    ['across the budget', prediction(0.1), { maximumJoules: 0.1 }, 'Uncertain', 'DeployWithCaution'],
    ['above the budget', prediction(0.2), { maximumJoules: 0.1 }, 'ExceedsBudget', 'DoNotDeploy'],
    ['transferred', prediction(0.05, { transferred: true }), { maximumJoules: 1 }, 'Uncertain', 'DeployWithCaution'],
    ['out of domain', prediction(0.05, { inDomain: false }), {}, 'Unknown', 'DeployWithCaution'],
    ['too slow', prediction(0.05), { maximumJoules: 1, maximumSeconds: 0.01 }, 'ExceedsBudget', 'DoNotDeploy'],
    ['too large', prediction(0.05), { maximumJoules: 1, maximumBytes: 1e6 }, 'ExceedsBudget', 'DoNotDeploy'],
    ['without a budget, little', prediction(0.05), {}, 'Unknown', 'Deploy'],
    ['without a budget, much', prediction(0.5), {}, 'Unknown', 'DeployWithCaution'],
  ])('%s', (_, given, wishes, verdict, advice) => {
    expect(recommend(given, card, 5e6, wishes)).toMatchObject({ verdict, advice });
  });

  it('says what keeps a number from deciding, with a budget and without, and says it once', () => {
    const far = prediction(0.05, { transferred: true, mismatches: ['precision: card fp32, device int8'] });
    const says = (given: Prediction, wishes: { maximumJoules?: number }, of = card) => recommend(given, of, 5e6, wishes).reasons;
    expect(says(far, {})).toContain('transferred, precision: card fp32, device int8');
    expect(says(far, { maximumJoules: 0.01 })).toContain('transferred, precision: card fp32, device int8');
    expect(says(far, { maximumJoules: 1 }).filter((reason) => reason.includes('int8'))).toHaveLength(1);
    const strange = prediction(0.05, { inDomain: false });
    for (const wishes of [{}, { maximumJoules: 1 }])
      expect(says(strange, wishes).filter((reason) => reason.includes('is unlike those'))).toHaveLength(1);
    expect(says(prediction(0.05), {}, { ...card, scaleAssumed: true })).toContainEqual(
      expect.stringContaining('scale is assumed'),
    );
  });

  it('carries its reasons', () => {
    expect(recommend(prediction(0.05), card, 5e6, {}).reasons).toEqual([
      'very economical: 50mJ is below three quarters of what was measured on this class',
      'light: 5.0 MB',
      'very fast: 50.0 ms',
    ]);
  });
});

it('on the Pareto front nothing is beaten in both respects, and everything else is', () => {
  const point = fc.record({ joules: fc.integer({ min: 1, max: 30 }), lower: fc.integer({ min: 1, max: 30 }) });
  fc.assert(
    fc.property(fc.array(point, { minLength: 1, maxLength: 40 }), (points) => {
      const front = paretoFront(points);
      for (const one of points) {
        const beaten = points.some(
          (other) =>
            other.joules <= one.joules && other.lower <= one.lower && (other.joules < one.joules || other.lower < one.lower),
        );
        const on = front.some(({ joules, lower }) => joules === one.joules && lower === one.lower);
        expect(on).toBe(!beaten);
      }
    }),
  );
});
