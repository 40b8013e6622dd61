// What a calibration has measured so far, on disk after every step: a run that was killed goes on from it.
import type { Boundary, ClassKeyParts } from '../../crds/shared.ts';
import type { GraphFeatures } from '../../energy/graph/analysis.ts';
import { readJsonFile, writeFileAtomic } from '../disk/atomic-file.ts';

export const recordFormat = 'jouleops-calibration/1';

/** What must stay the same for measurements to belong together. */
export interface CalibrationSetup {
  deviceClass: string;
  key: ClassKeyParts;
  boardModel: string;
  simulated: boolean;
  boundary: Boundary;
  /** Name of the power source. */
  source: string;
  threads: number;
  probes: readonly string[];
  anchor: string;
}

export type ProbeOutcome =
  | {
      kind: 'Measured';
      joules: number;
      /** Variance of the mean, of the logarithm. */
      joulesLogVariance: number;
      seconds: number;
      secondsLogVariance: number;
      windows: number;
      inferences: number;
      temperatureCelsius?: number;
    }
  | { kind: 'LeftOut'; reason: LeftOutReason; message: string };

export type LeftOutReason = 'LoadFailed' | 'InferenceFailed' | 'MeterGaps' | 'BelowResolution' | 'NoIdlePower' | 'Throttled';

export interface CalibrationStep {
  probe: string;
  /** RFC 3339. */
  time: string;
  outcome: ProbeOutcome;
}

export interface CalibrationRecord {
  format: typeof recordFormat;
  startTime: string;
  setup: CalibrationSetup;
  steps: CalibrationStep[];
  /** By probe, read through the runtime that measures. */
  features: Record<string, GraphFeatures>;
  idleWatts?: number;
}

/** The file belongs to another board, or to another version of this program. */
export class RecordMismatchError extends Error {
  override readonly name = 'RecordMismatchError';
}

/** Undefined when there is no file. @throws RecordMismatchError when it is of another format. */
export async function readRecord(file: string): Promise<CalibrationRecord | undefined> {
  const value = await readJsonFile(file);
  if (value === undefined) return undefined;
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  if (format === recordFormat) return value as CalibrationRecord;
  throw new RecordMismatchError(`${file} has format "${String(format)}", this program writes ${recordFormat}`);
}

export async function writeRecord(file: string, record: CalibrationRecord): Promise<void> {
  await writeFileAtomic(file, `${JSON.stringify(record, null, 1)}\n`);
}

/** @throws RecordMismatchError that names what differs: measurements of two boards must not be mixed. */
export function checkSameSetup(file: string, before: CalibrationSetup, now: CalibrationSetup): void {
  const named: readonly (keyof CalibrationSetup)[] = [
    'deviceClass',
    'boardModel',
    'simulated',
    'boundary',
    'source',
    'threads',
    'anchor',
    'probes',
    'key',
  ];
  for (const name of named) {
    const [left, right] = [before[name], now[name]].map((value) => JSON.stringify(value));
    if (left !== right) throw new RecordMismatchError(`${file} was begun with ${name} ${left}, this run has ${right}`);
  }
}
