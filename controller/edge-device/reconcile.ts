// One EdgeDevice: its class, its readiness, and what is assigned to it. The only writer of `assigned`.
import type { DeviceClass } from '../../crds/device-class.ts';
import type { EdgeDevice } from '../../crds/edge-device.ts';
import type { ModelInstance } from '../../crds/model-instance.ts';
import { fieldManagers } from '../../crds/names.ts';
import { edgeDevices } from '../../crds/resources.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Stored } from '../../kube/api/objects.ts';
import type { Store } from '../../kube/cache/store.ts';
import { findCondition } from '../../kube/meta/conditions.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { Outcome } from '../../kube/runtime/controller.ts';
import type { EventRecorder } from '../../kube/runtime/event-recorder.ts';
import { instanceIndexes } from '../caches.ts';
import { sameContent } from '../content-hash.ts';
import type { OwnWrites } from '../own-writes.ts';
import { decideClass } from './decide-class.ts';
import { describeDevice } from './decide-status.ts';
import type { LivenessTracker } from './liveness.ts';

export interface EdgeDeviceDeps {
  client: Client;
  clock: Clock;
  events: EventRecorder;
  liveness: LivenessTracker;
  devices: Store<EdgeDevice>;
  classes: Store<DeviceClass>;
  instances: Store<ModelInstance>;
  writes: OwnWrites<EdgeDevice>;
}

export function createEdgeDeviceReconciler(deps: EdgeDeviceDeps) {
  return async function reconcile(key: string, signal: AbortSignal): Promise<Outcome> {
    const cached = deps.devices.get(key);
    if (!cached || cached.metadata.deletionTimestamp !== undefined) {
      deps.liveness.forget(key);
      return { kind: 'done' };
    }
    const device = deps.writes.freshest(cached);
    const liveness = deps.liveness.judge(key);
    const instances = deps.instances.byIndex(instanceIndexes.device, key);
    const deviceClass = decideClass(device, deps.classes.list().filter(wasRead));
    const now = new Date(deps.clock.now()).toISOString();
    const status = describeDevice(device, { liveness, deviceClass, instances }, now);
    if (!sameContent(ownedStatus(device), status)) {
      const { name, uid, resourceVersion } = device.metadata;
      const written = await deps.client.applyStatus(
        edgeDevices,
        { metadata: { name, uid }, status },
        { signal, fieldManager: fieldManagers.controller, resourceVersion },
      );
      deps.writes.record(device, written);
      announce(deps.events, device, written);
    }
    if (liveness.kind === 'alive' || liveness.kind === 'unproven')
      return {
        kind: 'requeueAfter',
        seconds: liveness.recheckSeconds + 1,
        reason: 'Heartbeat',
        message: 'looks again when the heartbeat would be overdue',
      };
    return { kind: 'done' };
  };
}

/** A class counts once its predictors were looked at: before, it would look like a class that has none. */
function wasRead(deviceClass: DeviceClass): boolean {
  return deviceClass.status?.observedGeneration !== undefined;
}

function ownedStatus(device: Stored<EdgeDevice>) {
  const { deviceClassName, assigned } = device.status ?? {};
  const ready = findCondition(device.status?.conditions, 'Ready');
  return {
    conditions: ready ? [ready] : [],
    ...(deviceClassName === undefined ? {} : { deviceClassName }),
    ...(assigned === undefined ? {} : { assigned }),
  };
}

function announce(events: EventRecorder, before: Stored<EdgeDevice>, after: Stored<EdgeDevice>): void {
  const [was, is] = [before, after].map((device) => findCondition(device.status?.conditions, 'Ready'));
  if (!is || was?.status === is.status) return;
  const ready = is.status === 'True';
  events.publish({
    regarding: after,
    type: ready || !was ? 'Normal' : 'Warning',
    reason: is.reason,
    action: 'Observe',
    note: is.message,
  });
}
