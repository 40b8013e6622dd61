// What the parent tells the child that reads a model, and what comes back.
import type { AnalysisLimits, GraphAnalysis } from '../analysis.ts';
import type { UnsupportedReason } from './unsupported-reason.ts';

export interface AnalysisOrder {
  file: string;
  /** An empty directory of this analysis alone; the parent removes it. */
  scratchDirectory: string;
  limits: AnalysisLimits;
  /** Sizes of symbolic dimensions by symbol, or by `input.index` where a dimension has no name. */
  dimensions: Record<string, number>;
  /** location in the file → path on this disk; absent locations are looked up beside the file. */
  externalData: Record<string, string>;
  /** Whether the answer lists the nodes. */
  layers: boolean;
}

export type AnalysisAnswer =
  | { kind: 'analyzed'; analysis: GraphAnalysis }
  | { kind: 'unsupported'; reason: UnsupportedReason; message: string };

export const defaultLimits: AnalysisLimits = {
  seconds: 120,
  memoryBytes: 3 * 2 ** 30,
  maximumNodes: 50_000,
  materializedBytes: 2 ** 30,
  fileBytes: 2 ** 31,
};

/** Increase when the same file would give other features. */
export const extractorVersion = 2;
