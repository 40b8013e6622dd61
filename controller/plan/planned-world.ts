// The world of a plan: objects in, the very sources out that the controller decides on. Pure.
import type { DeviceClass } from '../../crds/device-class.ts';
import type { EdgeDevice } from '../../crds/edge-device.ts';
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import type { ModelInstance } from '../../crds/model-instance.ts';
import type { ModelVersion } from '../../crds/model-version.ts';
import type { ControllerRevision } from '../../kube/api/builtins.ts';
import type { KubeObject, Stored } from '../../kube/api/objects.ts';
import { type Indexers, Store } from '../../kube/cache/store.ts';
import { findCondition } from '../../kube/meta/conditions.ts';
import { cacheIndexers } from '../caches.ts';
import { decideClass } from '../edge-device/decide-class.ts';
import { describeDevice } from '../edge-device/decide-status.ts';
import type { Liveness } from '../edge-device/liveness.ts';
import type { SnapshotSources } from '../placement/snapshot.ts';

export interface FleetObjects {
  deployments: readonly Stored<ModelDeployment>[];
  versions: readonly Stored<ModelVersion>[];
  devices: readonly Stored<EdgeDevice>[];
  classes: readonly Stored<DeviceClass>[];
  instances: readonly Stored<ModelInstance>[];
  revisions: readonly Stored<ControllerRevision>[];
}

export function plannedWorld(
  objects: FleetObjects,
  estimator: SnapshotSources['estimator'],
  nowMilliseconds: number,
): SnapshotSources {
  const devices = objects.devices.map((device) => settleDevice(device, objects, nowMilliseconds));
  const silences = new Map(objects.devices.map((device) => [device.metadata.name, livenessOf(device, nowMilliseconds)]));
  return {
    deployments: storeOf(objects.deployments, cacheIndexers.deployments),
    versions: storeOf(objects.versions),
    devices: storeOf(devices, cacheIndexers.devices),
    classes: storeOf(objects.classes),
    instances: storeOf(objects.instances, cacheIndexers.instances),
    revisions: storeOf(objects.revisions, cacheIndexers.revisions),
    estimator,
    liveness: { judge: (name) => silences.get(name) ?? { kind: 'neverSeen' } },
  };
}

function storeOf<T extends KubeObject>(objects: readonly Stored<T>[], indexers: Indexers<T> = {}): Store<T> {
  const store = new Store<T>(indexers);
  store.replaceAll(objects);
  return store;
}

/** As the controller would describe it: a changed spec or a new class may give it another class. */
function settleDevice(device: Stored<EdgeDevice>, { classes }: FleetObjects, nowMilliseconds: number): Stored<EdgeDevice> {
  const decided = describeDevice(
    device,
    {
      liveness: livenessOf(device, nowMilliseconds),
      deviceClass: decideClass(device, classes),
      instances: [],
    },
    new Date(nowMilliseconds).toISOString(),
  );
  const { deviceClassName: _, ...reported } = device.status ?? {};
  return { ...device, status: { ...reported, ...decided } };
}

/** A device of a file says nothing of its heartbeat: it counts as alive. One that is said to be lost is lost. */
function livenessOf({ status }: EdgeDevice, nowMilliseconds: number): Liveness {
  const ready = findCondition(status?.conditions, 'Ready');
  if (ready === undefined || ready.status === 'True') return { kind: 'alive', recheckSeconds: Number.POSITIVE_INFINITY };
  if (ready.reason !== 'AgentUnreachable')
    return {
      kind: 'unproven',
      recheckSeconds: Number.POSITIVE_INFINITY,
      // A class that was missing may be there now; what else keeps it away is still true.
      recentByItsClock: ready.reason === 'NoDeviceClass',
    };
  const seconds = Math.max(0, Math.round((nowMilliseconds - Date.parse(ready.lastTransitionTime)) / 1000));
  return { kind: 'silent', seconds, lastRenewal: ready.lastTransitionTime };
}
