// One DeviceClass: its predictors loaded and calibrated, its devices counted.
import type { CalibrationStatus, DeviceClass, DeviceClassStatus } from '../../crds/device-class.ts';
import type { EdgeDevice } from '../../crds/edge-device.ts';
import type { ModelVersion } from '../../crds/model-version.ts';
import { fieldManagers } from '../../crds/names.ts';
import { deviceClasses } from '../../crds/resources.ts';
import { trackedPercent } from '../../energy/calibration/online-calibration.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Condition, Stored } from '../../kube/api/objects.ts';
import type { Store } from '../../kube/cache/store.ts';
import { setCondition } from '../../kube/meta/conditions.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { Outcome } from '../../kube/runtime/controller.ts';
import type { EvidenceLog } from '../calibration/evidence-log.ts';
import { learn } from '../calibration/learn.ts';
import { sameContent } from '../content-hash.ts';
import type { Estimator } from '../estimate/estimator.ts';
import type { OwnWrites } from '../own-writes.ts';
import type { Loaded, PredictorLibrary } from './predictor-library.ts';

export interface DeviceClassDeps {
  client: Client;
  clock: Clock;
  classes: Store<DeviceClass>;
  devices: Store<EdgeDevice>;
  evidence: Pick<EvidenceLog, 'of'>;
  versions: Store<ModelVersion>;
  estimator: Pick<Estimator, 'predictAsTrained'>;
  library: PredictorLibrary;
  writes: OwnWrites<DeviceClass>;
  /** Predictions may be different from now on. */
  onPredictorsChanged: () => void;
}

const retrySeconds = 300;

export function createDeviceClassReconciler(deps: DeviceClassDeps) {
  return async function reconcile(key: string, signal: AbortSignal): Promise<Outcome> {
    const cached = deps.classes.get(key);
    if (!cached || cached.metadata.deletionTimestamp !== undefined) {
      const known = deps.library.of(key).length > 0;
      deps.library.forget(key);
      // Simulations borrow from it, and say so.
      if (known) deps.onPredictorsChanged();
      return { kind: 'done' };
    }
    const deviceClass = deps.writes.freshest(cached);
    const { loaded, changed } = await deps.library.load(deviceClass, signal);
    if (changed) deps.onPredictorsChanged();
    const devices = deps.devices.list().filter((device) => device.status?.deviceClassName === key);
    const calibration = calibrate(deps, deviceClass, devices);
    const base = deviceClass.spec.simulatedFrom;
    const borrowed = base === undefined ? [] : deps.library.of(base).map((predictor) => `${predictor.name}@${predictor.version}`);
    const status = describeClassStatus(
      deviceClass,
      { loaded, borrowed, calibration, devices: devices.length },
      new Date(deps.clock.now()).toISOString(),
    );
    if (!sameContent(deviceClass.status, status)) {
      const { uid, resourceVersion } = deviceClass.metadata;
      const written = await deps.client.applyStatus(
        deviceClasses,
        { metadata: { name: key, uid }, status },
        { signal, fieldManager: fieldManagers.controller, resourceVersion },
      );
      deps.writes.record(deviceClass, written);
    }
    const failed = loaded.find((entry) => entry.failure !== undefined);
    return failed
      ? { kind: 'requeueAfter', seconds: retrySeconds, reason: 'NoPredictor', message: failed.failure ?? '' }
      : { kind: 'done' };
  };
}

/** What the measurements on the class's devices say about its predictors. */
function calibrate(
  { evidence, versions, estimator }: DeviceClassDeps,
  { status }: DeviceClass,
  devices: readonly Stored<EdgeDevice>[],
): readonly CalibrationStatus[] {
  const byName = new Map(devices.map((device) => [device.metadata.name, device]));
  const known = evidence.of(new Set(byName.keys()));
  return learn(status?.calibration ?? [], known, ({ slot, deviceName, namespace }, boundary) => {
    const device = byName.get(deviceName);
    if (!device) return undefined;
    const version = versions.get(`${namespace}/${slot.modelVersionName}`);
    const declared = version?.spec.variants.find(({ name, digest }) => name === slot.variant && digest === slot.digest);
    return estimator.predictAsTrained(declared ?? slot, device, slot.runtime, boundary, trackedPercent);
  });
}

/** Pure. */
export function describeClassStatus(
  deviceClass: Stored<DeviceClass>,
  findings: {
    loaded: readonly Loaded[];
    borrowed: readonly string[];
    calibration: readonly CalibrationStatus[];
    devices: number;
  },
  now: string,
): DeviceClassStatus {
  const observedGeneration = deviceClass.metadata.generation ?? 1;
  const { calibration } = findings;
  let conditions = deviceClass.status?.conditions ?? [];
  for (const [type, finding] of [
    ['PredictorReady', judgePredictors(deviceClass, findings)],
    ['Ready', judgeReady(findings)],
  ] as const)
    conditions = setCondition(conditions, { type, ...finding, observedGeneration }, now);
  return {
    observedGeneration,
    conditions,
    devices: findings.devices,
    ...(calibration.length === 0 ? {} : { calibration: [...calibration] }),
  };
}

type Finding = Pick<Condition, 'status' | 'reason' | 'message'>;

/** A class without predictors is as it was declared; only one that it names and that cannot be had keeps it from Ready. */
function judgeReady({ loaded }: { loaded: readonly Loaded[] }): Finding {
  const failure = failureOf(loaded);
  if (failure) return failure;
  const message =
    loaded.length === 0
      ? 'it names no predictor of its own'
      : `loaded: ${loaded.map(({ reference }) => reference.name).join(', ')}`;
  return { status: 'True', reason: 'Succeeded', message };
}

function failureOf(loaded: readonly Loaded[]): Finding | undefined {
  const failed = loaded.find((entry) => entry.failure !== undefined);
  return failed && { status: 'False', reason: 'NoPredictor', message: `${failed.reference.name}: ${failed.failure}` };
}

function judgePredictors(
  deviceClass: DeviceClass,
  { loaded, borrowed }: { loaded: readonly Loaded[]; borrowed: readonly string[] },
): Finding {
  const failure = failureOf(loaded);
  if (failure) return failure;
  const own = loaded.map(({ reference }) => `${reference.name} (${reference.boundary})`);
  if (own.length > 0) return { status: 'True', reason: 'Verified', message: own.join(', ') };
  const base = deviceClass.spec.simulatedFrom;
  if (base !== undefined && borrowed.length > 0)
    return { status: 'True', reason: 'Verified', message: `borrowed from ${base}: ${borrowed.join(', ')}` };
  return {
    status: 'False',
    reason: 'NoPredictor',
    message:
      'no predictor knows this class: name one in spec.predictors (docs/energy.md says how to train it); until then deployments are judged by energy tests on the device',
  };
}
