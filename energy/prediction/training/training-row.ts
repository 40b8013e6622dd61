import type { GraphFeatures } from '../../graph/analysis.ts';

/** One measurement with the graph it was made of. */
export interface TrainingRow {
  /** Rows of one group never stand on both sides of a fold. */
  architecture: string;
  family: string;
  /** Measurement campaign: campaigns differ by an offset. */
  session: string;
  batch: number;
  features: GraphFeatures;
  joules: number;
  seconds: number;
  /** 1, or more for a row whose circumstances were reconstructed: it counts less. */
  noiseFactor: number;
}
