// Brings one ModelDeployment one step on: gather, plan, write. The order of writes makes every interruption repairable.
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import type { ModelInstance } from '../../crds/model-instance.ts';
import { fieldManagers } from '../../crds/names.ts';
import { modelDeployments, modelInstances } from '../../crds/resources.ts';
import { isAlreadyExists, isNotFound } from '../../kube/api/api-error.ts';
import type { ControllerRevision } from '../../kube/api/builtins.ts';
import { controllerRevisions } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Stored } from '../../kube/api/objects.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { Outcome } from '../../kube/runtime/controller.ts';
import type { EventRecorder } from '../../kube/runtime/event-recorder.ts';
import type { Expectations } from '../../kube/runtime/expectations.ts';
import { sameContent } from '../content-hash.ts';
import type { HeldWrites } from '../held-writes.ts';
import type { OwnWrites } from '../own-writes.ts';
import { type DeploymentPlan, planDeployment } from './plan.ts';
import type { PlannedEvent } from './scope.ts';
import { isProgress } from './status/progress.ts';
import { gatherWorld, type WorldSources } from './world.ts';

export interface ModelDeploymentDeps {
  client: Client;
  clock: Clock;
  events: EventRecorder;
  sources: WorldSources;
  writes: OwnWrites<ModelDeployment>;
  /** Statuses that only tell how far it has come. */
  held: HeldWrites;
  /** Own writes that the caches must show before the same object is planned again. */
  expectations: { revisions: Expectations<ControllerRevision>; instances: Expectations<ModelInstance> };
  /** Counted by reason, for the metric. */
  onRollback?: (reason: string) => void;
}

export function createModelDeploymentReconciler(deps: ModelDeploymentDeps) {
  return async function reconcile(key: string, signal: AbortSignal): Promise<Outcome> {
    const cached = deps.sources.deployments.get(key);
    const { revisions, instances } = deps.expectations;
    if (!cached || cached.metadata.deletionTimestamp !== undefined) {
      revisions.forget(key);
      instances.forget(key);
      deps.held.settle(key);
      return { kind: 'done' }; // children go with their owner references
    }
    if (!revisions.satisfied(key) || !instances.satisfied(key))
      return {
        kind: 'requeueAfter',
        seconds: 0.2,
        reason: 'AwaitingCache',
        message: 'the caches do not show the last writes yet',
      };
    const deployment = deps.writes.freshest(cached);
    // Placement speaks first after a start; then it triggers this key.
    if (!deps.sources.results.of(deployment.metadata.uid)) return { kind: 'done' };
    const plan = planDeployment(gatherWorld(deps.sources, deployment, deps.clock.now()));
    await writeRevisions(deps, key, plan, signal);
    // A verdict is remembered now, and the next pass will not find it again: it is told though a slot cannot be moved yet.
    publish(deps, deployment, plan.events.filter(isVerdict));
    await writeSlots(deps, key, plan, signal);
    const heldSeconds = await writeStatus(deps, key, deployment, plan, signal);
    announce(deps, deployment, plan);
    await removeSurplus(deps.client, plan, signal);
    return heldSeconds === 0 ? plan.outcome : sooner(plan.outcome, heldSeconds);
  };
}

/** Revisions first: no slot may name one that is not there; and a verdict is remembered before it is acted on. */
async function writeRevisions(
  { client, expectations }: ModelDeploymentDeps,
  key: string,
  plan: DeploymentPlan,
  signal: AbortSignal,
): Promise<void> {
  const options = { signal, fieldManager: fieldManagers.controller };
  if (plan.newRevision) {
    try {
      expectations.revisions.expectWrite(key, await client.create(controllerRevisions, plan.newRevision, options));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error; // the cache has not shown our own yet
    }
  }
  for (const { revision, annotations, number } of plan.revisionChanges) {
    const { name, namespace, resourceVersion } = revision.metadata;
    const body = { metadata: { resourceVersion, annotations }, ...(number === undefined ? {} : { revision: number }) };
    const objectKey = { name, ...(namespace === undefined ? {} : { namespace }) };
    expectations.revisions.expectWrite(key, await client.patch(controllerRevisions, objectKey, { kind: 'merge', body }, options));
  }
}

/** Guarded by resourceVersion: a slot is never moved on an old view. */
async function writeSlots(
  { client, expectations }: ModelDeploymentDeps,
  key: string,
  plan: DeploymentPlan,
  signal: AbortSignal,
): Promise<void> {
  for (const { instance, slots } of plan.slotChanges) {
    const { name, namespace, uid, resourceVersion } = instance.metadata;
    const metadata = { name, uid, resourceVersion, ...(namespace === undefined ? {} : { namespace }) };
    const options = { signal, fieldManager: fieldManagers.controller };
    expectations.instances.expectWrite(key, await client.apply(modelInstances, { metadata, spec: slots }, options));
  }
}

/** @returns for how many seconds it is held back; 0 when nothing is left to write. */
async function writeStatus(
  deps: ModelDeploymentDeps,
  key: string,
  deployment: Stored<ModelDeployment>,
  plan: DeploymentPlan,
  signal: AbortSignal,
): Promise<number> {
  if (sameContent(deployment.status, plan.status)) {
    deps.held.settle(key);
    return 0;
  }
  const heldSeconds = isProgress(deployment.status, plan.status) ? deps.held.remaining(key) : 0;
  if (heldSeconds > 0) return heldSeconds;
  deps.held.settle(key);
  const { name, namespace, uid, resourceVersion } = deployment.metadata;
  const metadata = { name, uid, ...(namespace === undefined ? {} : { namespace }) };
  const written = await deps.client.applyStatus(
    modelDeployments,
    { metadata, status: plan.status },
    { signal, fieldManager: fieldManagers.controller, resourceVersion },
  );
  deps.writes.record(deployment, written);
  return 0;
}

function sooner(outcome: Outcome, heldSeconds: number): Outcome {
  if (outcome.kind === 'requeueAfter' && outcome.seconds <= heldSeconds) return outcome;
  return { kind: 'requeueAfter', seconds: heldSeconds, reason: 'Progress', message: 'tells then how far it has come' };
}

function isVerdict({ action }: PlannedEvent): boolean {
  return action === 'Reject';
}

function publish(deps: ModelDeploymentDeps, deployment: Stored<ModelDeployment>, events: readonly PlannedEvent[]): void {
  for (const event of events) {
    deps.events.publish({ regarding: deployment, ...event });
    if (event.reason === 'RolledBack' || event.reason === 'Stopped') deps.onRollback?.(event.reason);
  }
}

function announce(deps: ModelDeploymentDeps, deployment: Stored<ModelDeployment>, plan: DeploymentPlan): void {
  publish(
    deps,
    deployment,
    plan.events.filter((event) => !isVerdict(event)),
  );
  const [was, is] = [deployment.status, plan.status].map((status) =>
    status?.conditions?.find((condition) => condition.type === 'Ready'),
  );
  if (!is || (was?.status === is.status && was.reason === is.reason)) return;
  const good = is.status === 'True';
  // A rollout that has come to its end was just told.
  if (good && plan.events.some(({ action, reason }) => action === 'RollOut' && reason === 'Succeeded')) return;
  const stalled = plan.status.conditions?.some((condition) => condition.type === 'Stalled') ?? false;
  // Waiting is normal; only success and what needs a person is news.
  if (good || stalled)
    deps.events.publish({
      regarding: deployment,
      type: good ? 'Normal' : 'Warning',
      reason: is.reason,
      action: 'Reconcile',
      note: is.message,
    });
}

async function removeSurplus(client: Client, plan: DeploymentPlan, signal: AbortSignal): Promise<void> {
  for (const { metadata } of plan.surplusRevisions) {
    const key = { name: metadata.name, ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }) };
    await client.delete(controllerRevisions, key, { signal, uid: metadata.uid }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }
}
