// Calibration between the status of a DeviceClass and the arithmetic of energy/calibration. Pure.
import type { CalibrationStatus } from '../../crds/device-class.ts';
import type { CalibrationInForce } from '../../energy/calibration/calibrated-prediction.ts';
import {
  type CalibrationState,
  correctionOf,
  differsVisibly,
  noCorrection,
  uncalibrated,
} from '../../energy/calibration/online-calibration.ts';
import type { Prediction } from '../../energy/prediction/prediction.ts';
import { contentHash } from '../content-hash.ts';

/** What has been learned of one predictor on one class key. */
export interface CalibrationRecord {
  /** The predictor; on a device with another key also a mark of how the key differs. */
  key: string;
  /** Of the trained predictor. */
  version: string;
  inForce: CalibrationInForce;
  state: CalibrationState;
  excluded: ReadonlyMap<string, number>;
  /** Sorted by time. */
  seen: readonly string[];
}

const asTrained: CalibrationInForce = { ...noCorrection, revision: 0, networks: 0 };

/** What a prediction without calibration belongs to: transfers with other differences are calibrated apart. */
export function calibrationKey(prediction: Pick<Prediction, 'predictor' | 'mismatches'>): { key: string; version: string } {
  const at = prediction.predictor.lastIndexOf('@');
  const name = prediction.predictor.slice(0, at);
  const { mismatches } = prediction;
  const mark = mismatches.length === 0 ? '' : `/transferred-${contentHash(mismatches, 8)}`;
  return { key: `${name}${mark}`, version: prediction.predictor.slice(at + 1) };
}

export function newRecord(key: string, version: string): CalibrationRecord {
  return { key, version, inForce: asTrained, state: uncalibrated, excluded: new Map(), seen: [] };
}

/** What is in force of an entry: as trained when it is of another version of the predictor. */
export function inForceOf(entries: readonly CalibrationStatus[] | undefined, key: string, version: string): CalibrationInForce {
  const entry = entries?.find((one) => one.predictor === key);
  if (!entry) return asTrained;
  const [trained, revision] = entry.version.split('.');
  if (trained !== version || revision === undefined) return asTrained;
  return {
    log: Number(entry.logBias ?? 0),
    logSd: Number(entry.logBiasSd ?? 0),
    widthFactor: Number(entry.widthFactor ?? 1),
    revision: Number(revision),
    networks: entry.networks ?? 0,
  };
}

/** A new revision when somebody could see the difference; else what is in force stays. */
export function putInForce(record: CalibrationRecord): CalibrationRecord {
  const correction = correctionOf(record.state);
  const networks = new Set(record.state.kept.map(({ model }) => model)).size;
  if (!differsVisibly(correction, record.inForce)) return { ...record, inForce: { ...record.inForce, networks } };
  return { ...record, inForce: { ...correction, networks, revision: record.inForce.revision + 1 } };
}

export function readRecord(entry: CalibrationStatus): CalibrationRecord {
  const [version = '', revision = '0'] = entry.version.split('.');
  return {
    key: entry.predictor,
    version,
    inForce: { ...inForceOf([entry], entry.predictor, version), revision: Number(revision), networks: entry.networks ?? 0 },
    state: {
      kept: (entry.measurements ?? []).map(({ model, session, ...numbers }) => ({
        model,
        session,
        logResidual: Number(numbers.logResidual),
        logVariance: Number(numbers.logVariance),
        logHalfWidth: Number(numbers.logHalfWidth),
      })),
      quarantined: (entry.quarantined ?? []).map((meter) => ({ ...meter, logResidual: Number(meter.logResidual) })),
      logScale: Number(entry.logScale ?? 0),
      samples: entry.samples,
      tested: entry.tested ?? 0,
      covered: entry.covered ?? 0,
      absoluteLogError: Number(entry.absoluteLogError ?? 0),
    },
    excluded: new Map((entry.excluded ?? []).map(({ reason, count }) => [reason, count])),
    seen: entry.seen ?? [],
  };
}

export function writeRecord({ key, version, inForce, state, excluded, seen }: CalibrationRecord): CalibrationStatus {
  const { tested } = state;
  return {
    predictor: key,
    version: inForce.revision === 0 ? version : `${version}.${inForce.revision}`,
    samples: state.samples,
    logBias: decimal(inForce.log),
    logBiasSd: decimal(inForce.logSd),
    widthFactor: decimal(inForce.widthFactor),
    logScale: decimal(state.logScale),
    networks: inForce.networks,
    tested,
    covered: state.covered,
    absoluteLogError: decimal(state.absoluteLogError),
    ...(tested === 0
      ? {}
      : {
          errorPermille: Math.round((1000 * state.absoluteLogError) / tested),
          intervalCoveragePermille: Math.round((1000 * state.covered) / tested),
        }),
    ...(excluded.size === 0
      ? {}
      : { excluded: [...excluded].sort(([a], [b]) => (a < b ? -1 : 1)).map(([reason, count]) => ({ reason, count })) }),
    ...(state.quarantined.length === 0
      ? {}
      : { quarantined: state.quarantined.map((meter) => ({ ...meter, logResidual: decimal(meter.logResidual) })) }),
    measurements: state.kept.map(({ model, session, logResidual, logVariance, logHalfWidth }) => ({
      model,
      session,
      logResidual: decimal(logResidual),
      logVariance: decimal(logVariance),
      logHalfWidth: decimal(logHalfWidth),
    })),
    seen: [...seen],
  };
}

/** Enough digits that a restart changes nothing that shows. */
function decimal(value: number): string {
  return String(Number(value.toPrecision(9)));
}
