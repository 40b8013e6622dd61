// One pass over the measurements of a class: what was not looked at yet is learned, in the order of its time. Pure.
import type { CalibrationStatus } from '../../crds/device-class.ts';
import type { Boundary } from '../../crds/shared.ts';
import { observe, trackedPercent } from '../../energy/calibration/online-calibration.ts';
import type { Prediction } from '../../energy/prediction/prediction.ts';
import { quantityAt } from '../../energy/prediction/verdict.ts';
import { type Evidence, logEnergy } from './evidence.ts';
import { type CalibrationRecord, calibrationKey, newRecord, putInForce, readRecord, writeRecord } from './stored.ts';

/** What the class's predictor says of a slot on a device without any calibration, at 90 %; undefined while it is not known. */
export type Uncalibrated = (evidence: Evidence, boundary: Boundary) => Prediction | undefined;

const maximumSeen = 128;
const maximumRecords = 16;

/**
 * @param evidence of the devices of one class, in any order.
 * @returns the entries of its status; the same list when there was nothing new.
 */
export function learn(
  before: readonly CalibrationStatus[],
  evidence: readonly Evidence[],
  predict: Uncalibrated,
): readonly CalibrationStatus[] {
  const records = new Map(before.map((entry) => [entry.predictor, readRecord(entry)]));
  const touched = new Set<string>();
  for (const one of evidence.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))) {
    const { result } = one;
    const prediction = predict(
      one,
      result.kind === 'measured' ? result.reading.boundary : (one.slot.budget?.boundary ?? 'Board'),
    );
    if (!prediction) continue;
    const { key, version } = calibrationKey(prediction);
    const known = records.get(key);
    // Another version of the predictor: what was learned was about the old one.
    const record = known?.version === version ? known : newRecord(key, version);
    if (isOld(record, one.id)) continue;
    const learned = learnOne({ ...record, seen: [...record.seen, one.id].sort().slice(-maximumSeen) }, one, prediction);
    records.delete(key);
    records.set(key, learned);
    touched.add(key);
  }
  if (touched.size === 0) return before;
  return [...records.values()]
    .map((record) => (touched.has(record.key) ? putInForce(record) : record))
    .slice(-maximumRecords)
    .map(writeRecord);
}

/** Looked at, or older than all that is remembered of a full list. */
function isOld({ seen }: CalibrationRecord, id: string): boolean {
  return seen.includes(id) || (seen.length >= maximumSeen && id < (seen[0] ?? ''));
}

function learnOne(record: CalibrationRecord, evidence: Evidence, prediction: Prediction): CalibrationRecord {
  const { result, slot, deviceName } = evidence;
  if (result.kind === 'absent') return exclude(record, result.reason);
  const { reading, throttled } = result;
  if (throttled) return exclude(record, 'Throttled');
  if (prediction.boundary !== reading.boundary || prediction.quantity !== reading.quantity)
    return exclude(record, 'BoundaryMismatch');
  if (reading.quantity !== quantityAt(reading.boundary)) return exclude(record, 'BoundaryMismatch');
  const measured = logEnergy(reading, slot.budget?.confidencePercent ?? trackedPercent);
  if (!measured) return exclude(record, 'BelowResolution');
  const { estimate, lower, upper } = prediction.joulesPerInference;
  const { state, outcome } = observe(record.state, {
    model: slot.digest,
    session: `${deviceName}/${reading.source}`.slice(0, 256),
    logResidual: measured.log - Math.log(estimate),
    logVariance: measured.variance,
    // The wider side: a graph that was read without running has a low lower bound, and teaches little.
    logHalfWidth: Math.log(Math.max(upper / estimate, estimate / lower)),
  });
  return outcome === 'Quarantined' ? exclude({ ...record, state }, outcome) : { ...record, state };
}

function exclude(record: CalibrationRecord, reason: string): CalibrationRecord {
  const excluded = new Map(record.excluded);
  excluded.set(reason, (excluded.get(reason) ?? 0) + 1);
  return { ...record, excluded };
}
