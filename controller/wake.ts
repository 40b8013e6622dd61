// Which change wakes which reconciler: the wiring between caches and queues.
import type { DeviceClass } from '../crds/device-class.ts';
import type { EdgeDevice } from '../crds/edge-device.ts';
import { annotations } from '../crds/names.ts';
import type { ControllerRevision } from '../kube/api/builtins.ts';
import type { KubeObject } from '../kube/api/objects.ts';
import { keyOf } from '../kube/api/resource.ts';
import type { Change } from '../kube/cache/change.ts';
import { findCondition } from '../kube/meta/conditions.ts';
import { controllerOf } from '../kube/meta/owner-reference.ts';
import type { Controller } from '../kube/runtime/controller.ts';
import { type Caches, deploymentIndexes, instanceIndexes } from './caches.ts';
import type { EvidenceLog } from './calibration/evidence-log.ts';
import { sameContent } from './content-hash.ts';
import type { LivenessTracker } from './edge-device/liveness.ts';
import { fleetKey } from './placement/loop.ts';

export interface Controllers {
  versions: Controller;
  deployments: Controller;
  instances: Controller;
  devices: Controller;
  classes: Controller;
  placement: Controller;
  fleet: Controller;
}

/** Changes of one burst make one decision: the placement loop waits this long for the rest. */
const placementBatchSeconds = 0.05;
/** Devices of one rollout finish their tests at about the same time, and those of one fleet are switched on together. */
const classBatchSeconds = 1;

function wakePlacement({ placement }: Controllers): void {
  placement.queue.addAfter(fleetKey, placementBatchSeconds);
}

export function wakeDeployment(caches: Caches, { deployments }: Controllers, uid: string): void {
  for (const deployment of caches.deployments.store.byIndex(deploymentIndexes.uid, uid)) deployments.queue.add(keyOf(deployment));
}

export function wakeEverything(caches: Caches, controllers: Controllers): void {
  wakePlacement(controllers);
  for (const deployment of caches.deployments.store.list()) controllers.deployments.queue.add(keyOf(deployment));
  for (const deviceClass of caches.classes.store.list()) controllers.classes.queue.add(keyOf(deviceClass));
}

/** Handlers only add keys; whatever they miss, the periodic complete list repairs. */
export function connect(
  { caches, liveness, evidence }: { caches: Caches; liveness: LivenessTracker; evidence: EvidenceLog },
  controllers: Controllers,
): void {
  caches.repositories.onChange((change) => {
    if (changesDeclaration(change)) controllers.fleet.queue.add(keyOf(change.object));
  });
  caches.versions.onChange(({ object }) => {
    controllers.versions.queue.add(keyOf(object));
    for (const deployment of caches.deployments.store.byIndex(deploymentIndexes.modelVersion, keyOf(object)))
      controllers.deployments.queue.add(keyOf(deployment));
    wakePlacement(controllers);
  });
  caches.deployments.onChange((change) => {
    controllers.deployments.queue.add(keyOf(change.object));
    if (changesSpec(change)) wakePlacement(controllers);
  });
  caches.revisions.onChange((change) => {
    wakeDeployment(caches, controllers, controllerOf(change.object)?.uid ?? '');
    if (changesRejections(change)) wakePlacement(controllers);
  });
  caches.instances.onChange((change) => {
    const { object } = change;
    controllers.instances.queue.add(keyOf(object));
    wakeDeployment(caches, controllers, object.spec.deploymentUid);
    const className = caches.devices.store.get(object.spec.deviceName)?.status?.deviceClassName;
    if (evidence.record(object) && className !== undefined) controllers.classes.queue.addAfter(className, classBatchSeconds);
    if (!changesSpec(change)) return;
    controllers.devices.queue.add(object.spec.deviceName);
    wakePlacement(controllers);
  });
  caches.devices.onChange((change) => {
    controllers.devices.queue.add(change.object.metadata.name);
    if (!changesDevice(change)) return;
    for (const instance of caches.instances.store.byIndex(instanceIndexes.device, change.object.metadata.name)) {
      controllers.instances.queue.add(keyOf(instance));
      wakeDeployment(caches, controllers, instance.spec.deploymentUid);
    }
    for (const name of classNamesOf(change)) controllers.classes.queue.addAfter(name, classBatchSeconds);
    wakePlacement(controllers);
  });
  caches.classes.onChange((change) => {
    controllers.classes.queue.add(change.object.metadata.name);
    if (recalibrates(change)) wakeEverything(caches, controllers);
    if (!changesClass(change)) return;
    for (const device of caches.devices.store.list()) controllers.devices.queue.add(device.metadata.name);
    wakePlacement(controllers);
  });
  caches.leases.onChange((change) => {
    const { object } = change;
    if (change.kind === 'deleted') liveness.forget(object.metadata.name);
    else liveness.observe(object);
    // A heartbeat of a device that is ready already changes nothing: its own timer looks for silence.
    const device = caches.devices.store.get(object.metadata.name);
    if (findCondition(device?.status?.conditions, 'Ready')?.status !== 'True')
      controllers.devices.queue.add(object.metadata.name);
  });
}

/** Status writes, our own above all, are not news for placement. */
function changesSpec<T extends KubeObject>(change: Change<T>): boolean {
  return (
    change.kind !== 'updated' ||
    change.old?.metadata.generation !== change.object.metadata.generation ||
    change.object.metadata.deletionTimestamp !== undefined
  );
}

/** All that placement reads of a revision; every step of a rollout changes the rest. */
function changesRejections(change: Change<ControllerRevision>): boolean {
  const rejections = ({ metadata }: ControllerRevision) => metadata.annotations?.[annotations.rejections];
  const before = change.kind === 'updated' && change.old ? rejections(change.old) : undefined;
  return rejections(change.object) !== before;
}

/** What is assigned to a device is the outcome of placement, not news for it; with many devices it would wake everything for ever. */
function changesDevice(change: Change<EdgeDevice>): boolean {
  return (
    changesSpec(change) ||
    !sameContent(change.old?.metadata.labels, change.object.metadata.labels) ||
    !sameContent({ ...change.old?.status, ...outcome }, { ...change.object.status, ...outcome })
  );
}

const outcome = { assigned: undefined, cachedDigests: undefined };

/** A class counts its devices and their measurements: each changes it, and says nothing new to the others. */
function changesClass(change: Change<DeviceClass>): boolean {
  const counted = { devices: undefined, calibration: undefined };
  return changesSpec(change) || !sameContent({ ...change.old?.status, ...counted }, { ...change.object.status, ...counted });
}

/** Another version of a predictor: predictions differ from now on. */
function recalibrates(change: Change<DeviceClass>): boolean {
  const versions = (object: DeviceClass | undefined) =>
    (object?.status?.calibration ?? []).map(({ predictor, version }) => [predictor, version]);
  return change.kind === 'updated' && !sameContent(versions(change.old), versions(change.object));
}

/** An annotation asks for a pass as much as the spec does. */
function changesDeclaration<T extends KubeObject>(change: Change<T>): boolean {
  return changesSpec(change) || !sameContent(change.old?.metadata.annotations, change.object.metadata.annotations);
}

function classNamesOf(change: Change<KubeObject & { status?: { deviceClassName?: string } }>): string[] {
  const now = change.kind === 'deleted' ? undefined : change.object.status?.deviceClassName;
  const before = change.kind === 'added' ? undefined : change.old?.status?.deviceClassName;
  return now === before ? [] : [now, before].filter((name) => name !== undefined);
}
