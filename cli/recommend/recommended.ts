import type { Boundary, Prediction } from '../../energy/prediction/prediction.ts';
import type { Recommendation } from '../../energy/prediction/recommendation.ts';
import type { Candidate } from './candidates.ts';

/** One row of the answer: a model on a board, with all that is said of it. */
export interface Recommended extends Recommendation, Candidate {
  rank: number;
  deviceClass: string;
  boundary: Boundary;
  joules: number;
  prediction: Prediction;
}
