// Trains a shipped predictor from the texts of its data files.
import { createHash } from 'node:crypto';
import { extractorVersion } from '../../graph/extract/protocol.ts';
import type { PredictorArtifact } from '../predictor.ts';
import { cellRows } from './cell-rows.ts';
import { type PlanName, shippedPlans } from './plans.ts';
import { timmRows } from './timm-rows.ts';
import { type TrainingPlan, trainPredictor } from './train.ts';
import type { TrainingRow } from './training-row.ts';

/** Text of a data file by name. */
export type DataFiles = (name: string) => string;

export function planRows(name: PlanName, read: DataFiles): TrainingRow[] {
  const { files, deviceClass } = shippedPlans[name];
  const [first = '', second] = files;
  if (second === undefined) return cellRows(read(first));
  return timmRows(read(first), read(second), deviceClass).rows;
}

export function completePlan(name: PlanName, read: DataFiles): TrainingPlan {
  const { files, ...plan } = shippedPlans[name];
  const data = files.map((file) => ({ file, sha256: createHash('sha256').update(read(file)).digest('hex') }));
  return { ...plan, data, extractorVersion };
}

export function trainShipped(name: PlanName, read: DataFiles, onStep?: (step: string) => void): PredictorArtifact {
  onStep?.('reading the tables');
  return trainPredictor(planRows(name, read), completePlan(name, read), onStep);
}

/** Lists of numbers on one line, one line per training point: small, and differences between versions can be read. */
export function artifactText(artifact: PredictorArtifact): string {
  const numbers = /\[\s+((?:-?[0-9.e+-]+,\s+)*-?[0-9.e+-]+)\s+\]/g;
  const text = JSON.stringify(artifact, null, 1).replaceAll(numbers, (_, inner: string) => `[${inner.replaceAll(/\s+/g, '')}]`);
  return `${text}\n`;
}
