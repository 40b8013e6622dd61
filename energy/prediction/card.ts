// What a predictor says about itself: where its numbers come from and how far to trust them.
import type { Boundary, ClassKey, Quantity } from './prediction.ts';
import type { Scores } from './training/scores.ts';

export interface ScoreCard {
  /** Folds by architecture: a new network of a kind that is known. */
  byArchitecture: Scores;
  /** Folds by family: a kind of network never seen. */
  byFamily?: Scores;
}

export interface CoverageCard {
  confidencePercent: number;
  /** Share of held-out graphs inside their interval, nested folds. */
  insidePermille: number;
  insideCount: number;
  outsidePermille?: number;
  outsideCount?: number;
  /** Factor of the interval inside the hull: estimate ÷ and × this. */
  halfWidthFactor: number;
}

export interface PredictorCard {
  deviceClass: string;
  key: ClassKey;
  boundary: Boundary;
  quantity: Quantity;
  /** Files that the rows come from; the manifest says where the originals are. */
  data: { file: string; sha256: string }[];
  manifest: string;
  rows: number;
  architectures: number;
  referenceSession: string;
  /** What was not recorded and had to be assumed. */
  assumptions: string[];
  /** The absolute scale rests on an assumption; relative errors do not. */
  scaleAssumed: boolean;
  scores: ScoreCard;
  latencyScores: ScoreCard;
  /** Beside the scores, on the same folds. */
  baselines: { name: string; scores: Scores }[];
  coverage: CoverageCard;
  /** Smallest and largest of the training rows, by descriptor. */
  featureRanges: Record<string, [number, number]>;
  /** Joules per inference of the rows that are scored: what is little and much on this class. */
  catalogue?: { p25: number; p50: number; p75: number };
  extractorVersion: number;
  /** Of the measurements or of the training, whichever is later: YYYY-MM-DD. */
  date: string;
}
