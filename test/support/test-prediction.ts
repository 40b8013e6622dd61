// A prediction of a network that the predictor knows, on the very device it was made for, until a test says otherwise.
import type { Prediction } from '../../energy/prediction/prediction.ts';

/** @param joules one number is known exactly. */
export function testPrediction(
  predictor: string,
  joules: number | readonly [estimate: number, lower: number, upper: number],
  more: Partial<Prediction> = {},
): Prediction {
  const [estimate, lower, upper] = typeof joules === 'number' ? [joules, joules, joules] : joules;
  return {
    predictor,
    boundary: 'Board',
    quantity: 'Active',
    joulesPerInference: { estimate, lower, upper, confidencePercent: 90 },
    inDomain: true,
    transferred: false,
    mismatches: [],
    unknownParts: [],
    method: 'test',
    ...more,
  };
}
