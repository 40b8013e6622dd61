// The one placement loop of the fleet: snapshot, decide, create and delete ModelInstances. Nothing else does either.
import type { Logger } from 'pino';
import type { ModelInstance } from '../../crds/model-instance.ts';
import { fieldManagers } from '../../crds/names.ts';
import { modelInstances } from '../../crds/resources.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../kube/api/api-error.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Stored } from '../../kube/api/objects.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { Outcome } from '../../kube/runtime/controller.ts';
import type { EventRecorder } from '../../kube/runtime/event-recorder.ts';
import type { Expectations } from '../../kube/runtime/expectations.ts';
import { deploymentIndexes } from '../caches.ts';
import { sameContent } from '../content-hash.ts';
import { newInstance } from './instance.ts';
import { schedule } from './scheduling/schedule.ts';
import type { PlacementDecision } from './scheduling/types.ts';
import { type SnapshotSources, takeSnapshot } from './snapshot.ts';

/** The only key: one decision for all, since per-key workers would race on device caps. */
export const fleetKey = 'fleet';

export interface PlacementDeps {
  client: Client;
  clock: Clock;
  events: EventRecorder;
  sources: SnapshotSources;
  expectations: Expectations<ModelInstance>;
  results: PlacementResults;
}

/** The latest decision per deployment, for the deployments' own reconcilers to report. */
export class PlacementResults {
  readonly #byUid = new Map<string, PlacementDecision>();
  readonly #onChange: (deploymentUid: string) => void;

  constructor(onChange: (deploymentUid: string) => void) {
    this.#onChange = onChange;
  }

  of(deploymentUid: string): PlacementDecision | undefined {
    return this.#byUid.get(deploymentUid);
  }

  publish(decisions: readonly PlacementDecision[]): void {
    const live = new Set(decisions.map((decision) => decision.deploymentUid));
    for (const uid of this.#byUid.keys()) if (!live.has(uid)) this.#byUid.delete(uid);
    for (const decision of decisions) {
      const before = this.#byUid.get(decision.deploymentUid);
      if (before && sameContent(before, decision)) continue;
      this.#byUid.set(decision.deploymentUid, decision);
      this.#onChange(decision.deploymentUid);
    }
  }
}

/** A pass looks at every deployment on every device without a pause: it may take this part of the process's time, no more. */
const largestShare = 1 / 10;
/** Silence of a lost device grows without any event: look again so often while one is lost. */
const recheckSeconds = 15;

export function createPlacementLoop(deps: PlacementDeps) {
  let notBefore = 0;
  return async function reconcile(_key: string, signal: AbortSignal, logger: Logger): Promise<Outcome> {
    if (!deps.expectations.satisfied(fleetKey))
      return {
        kind: 'requeueAfter',
        seconds: 0.1,
        reason: 'AwaitingCache',
        message: 'the cache does not show the last writes yet',
      };
    const started = deps.clock.monotonic();
    if (started < notBefore)
      return {
        kind: 'requeueAfter',
        seconds: (notBefore - started) / 1000,
        reason: 'Paced',
        message: 'leaves time for what the last pass decided',
      };
    const snapshot = takeSnapshot(deps.sources);
    const decisions = schedule(snapshot);
    deps.results.publish(decisions);
    const decided = deps.clock.monotonic();
    notBefore = decided + (decided - started) * (1 / largestShare - 1);
    const changes = changesFor(decisions, deps.sources.instances.list());
    for (const { deploymentUid, deviceName } of changes.create) await create(deps, deploymentUid, deviceName, signal);
    for (const instance of changes.remove) await remove(deps, instance, signal);
    const milliseconds = Math.round(deps.clock.monotonic() - started);
    if (changes.create.length + changes.remove.length > 0)
      logger.info({ created: changes.create.length, removed: changes.remove.length, milliseconds }, 'placement changed');
    const anyLost = snapshot.devices.some((device) => device.lostSeconds !== undefined);
    return anyLost
      ? { kind: 'requeueAfter', seconds: recheckSeconds, reason: 'DeviceLost', message: 'a device is lost' }
      : { kind: 'done' };
  };
}

/** Instances that a decision wants and that are not there, and those that no decision wants. Pure. */
export function changesFor(decisions: readonly PlacementDecision[], instances: readonly Stored<ModelInstance>[]) {
  const present = new Set(instances.map(({ spec }) => `${spec.deploymentUid}/${spec.deviceName}`));
  const wanted = new Set(
    decisions.flatMap(({ deploymentUid, chosen }) => chosen.map((deviceName) => `${deploymentUid}/${deviceName}`)),
  );
  return {
    create: decisions.flatMap(({ deploymentUid, chosen }) =>
      chosen
        .filter((deviceName) => !present.has(`${deploymentUid}/${deviceName}`))
        .map((deviceName) => ({ deploymentUid, deviceName })),
    ),
    remove: instances.filter(
      ({ spec, metadata }) => metadata.deletionTimestamp === undefined && !wanted.has(`${spec.deploymentUid}/${spec.deviceName}`),
    ),
  };
}

async function create(deps: PlacementDeps, deploymentUid: string, deviceName: string, signal: AbortSignal): Promise<void> {
  const [deployment] = deps.sources.deployments.byIndex(deploymentIndexes.uid, deploymentUid);
  if (!deployment) return;
  try {
    const created = await deps.client.create(modelInstances, newInstance(deployment, deviceName), {
      signal,
      fieldManager: fieldManagers.placement,
    });
    deps.expectations.expectWrite(fleetKey, created);
    deps.events.publish({
      regarding: deployment,
      related: created,
      type: 'Normal',
      reason: 'Placed',
      action: 'Place',
      note: `placed on ${deviceName}`,
    });
  } catch (error) {
    // An instance of a deleted deployment of the same name may still be going: the next pass tries again.
    if (!isAlreadyExists(error)) throw error;
  }
}

async function remove(deps: PlacementDeps, instance: Stored<ModelInstance>, signal: AbortSignal): Promise<void> {
  const { namespace, name, uid } = instance.metadata;
  try {
    await deps.client.delete(
      modelInstances,
      { name, ...(namespace === undefined ? {} : { namespace }) },
      { signal, uid, propagationPolicy: 'Background' },
    );
    deps.expectations.expectDeletion(fleetKey, instance);
    deps.events.publish({
      regarding: instance,
      type: 'Normal',
      reason: 'Removed',
      action: 'Place',
      note: `no longer placed on ${instance.spec.deviceName}`,
    });
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
