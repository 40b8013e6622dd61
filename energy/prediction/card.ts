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

/** How a predictor that was fitted to probes on one board came about. */
export interface ProbeCard {
  /** `jetson-nano-board-pytorch@1`: whose proportions between costs stand where the probes say little. */
  source: string;
  /** Power source that measured. */
  meter: string;
  simulated: boolean;
  probes: string[];
  /** What could not be measured, and why. */
  leftOut: { probe: string; reason: string }[];
  /** The probe that was repeated, how often, and how far it moved from its first measurement. */
  anchor: { probe: string; measurements: number; largestDriftPercent: number };
  /** Probes whose anchors moved by more than the gate and that count all the same, because somebody said so. */
  driftAccepted: string[];
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
  /** Only of a predictor that was fitted to probes. */
  calibration?: ProbeCard;
  extractorVersion: number;
  /** Of the measurements or of the training, whichever is later: YYYY-MM-DD. */
  date: string;
}
