// Which of an instance's readings teach something about a predictor: controlled loops and exclusive windows. Pure.
import type { EnergyReading, EnergyTestStatus, ModelInstance, Slot } from '../../crds/model-instance.ts';
import { normalQuantile } from '../../energy/measurement/student-t.ts';
import { parseEnergy } from '../../energy/units.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { contentHash } from '../content-hash.ts';
import { isTestOf } from '../model-deployment/canary/orders.ts';

export interface Evidence {
  /** What was measured, without when. */
  subject: string;
  /** Of this measurement of it; sorts by time. */
  id: string;
  namespace: string;
  slot: Slot;
  deviceName: string;
  result: { kind: 'measured'; reading: EnergyReading; throttled: boolean } | { kind: 'absent'; reason: string };
}

/** Finished tests (their ids begin with the revision, of a long name its end), and once a day what operation shows while a model has its device for itself. */
export function evidenceOf({ metadata, spec, status }: Stored<ModelInstance>): Evidence[] {
  const slots = [spec.active, spec.candidate, spec.previous].filter((slot): slot is Slot => slot !== undefined);
  const { deviceName } = spec;
  const namespace = metadata.namespace ?? '';
  const tests = (status?.tests ?? []).flatMap((test): Evidence[] => {
    const slot = slots.find(({ revision }) => isTestOf(test, revision));
    const result = resultOf(test);
    if (!slot || !result) return [];
    const time = test.time ?? test.startTime ?? metadata.creationTimestamp;
    return [{ ...namesOf(time, [metadata.uid, test.id]), namespace, slot, deviceName, result }];
  });
  const operation = (status?.revisions ?? []).flatMap(({ revision, energy }): Evidence[] => {
    const slot = slots.find((one) => one.revision === revision);
    if (!slot || energy?.attribution !== 'Exclusive') return [];
    const day = energy.time.slice(0, 10);
    const names = namesOf(`${day}T00:00:00Z`, [metadata.uid, revision, energy.boundary, day]);
    return [{ ...names, namespace, slot, deviceName, result: { kind: 'measured', reading: energy, throttled: false } }];
  });
  return [...tests, ...operation];
}

function resultOf(test: EnergyTestStatus): Evidence['result'] | undefined {
  if (test.state !== 'Completed') return undefined;
  if (test.energy) return { kind: 'measured', reading: test.energy, throttled: (test.throttled ?? []).length > 0 };
  return test.energyAbsent?.reason === 'BelowResolution' ? { kind: 'absent', reason: 'BelowResolution' } : undefined;
}

function namesOf(time: string, parts: readonly string[]): Pick<Evidence, 'subject' | 'id'> {
  const subject = contentHash(parts, 10);
  const seconds = Math.max(0, Math.floor(Date.parse(time) / 1000) || 0);
  return { subject, id: `${String(seconds).padStart(12, '0')}-${subject}` };
}

/** Log joules and their variance. The interval is Student's: read as a normal one it errs to the wide side. */
export function logEnergy(reading: EnergyReading, confidencePercent: number): { log: number; variance: number } | undefined {
  const [value, lower, upper] = [reading.value, reading.lower, reading.upper].map(parseEnergy) as [number, number, number];
  if (!(value > 0 && lower > 0 && upper >= lower)) return undefined;
  const sd = Math.log(upper / lower) / 2 / normalQuantile(0.5 + confidencePercent / 200);
  return { log: Math.log(value), variance: Math.max(sd, leastLogSd) ** 2 };
}

/** No meter here knows its own scale better. */
const leastLogSd = 0.005;
