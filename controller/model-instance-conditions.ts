// The controller's part of a ModelInstance's status: DeviceReachable and Ready, so that an agent that is gone cannot look healthy.
import type { EdgeDevice } from '../crds/edge-device.ts';
import type { ModelInstance } from '../crds/model-instance.ts';
import { fieldManagers } from '../crds/names.ts';
import { modelInstances } from '../crds/resources.ts';
import type { Client } from '../kube/api/client.ts';
import type { Condition, Stored } from '../kube/api/objects.ts';
import type { Store } from '../kube/cache/store.ts';
import { findCondition, setCondition } from '../kube/meta/conditions.ts';
import type { Clock } from '../kube/runtime/clock.ts';
import type { Outcome } from '../kube/runtime/controller.ts';
import { sameContent } from './content-hash.ts';
import type { HeldWrites } from './held-writes.ts';
import type { OwnWrites } from './own-writes.ts';

export interface ModelInstanceDeps {
  client: Client;
  clock: Clock;
  instances: Store<ModelInstance>;
  devices: Store<EdgeDevice>;
  writes: OwnWrites<ModelInstance>;
  held: HeldWrites;
}

const owned = ['DeviceReachable', 'Ready'];

export function createModelInstanceReconciler(deps: ModelInstanceDeps) {
  return async function reconcile(key: string, signal: AbortSignal): Promise<Outcome> {
    const cached = deps.instances.get(key);
    if (!cached || cached.metadata.deletionTimestamp !== undefined) {
      deps.held.settle(key);
      return { kind: 'done' };
    }
    // Until it holds a slot there is nothing to say, and a write now would only get in the way of the one that fills it.
    if (!cached.spec.active && !cached.spec.candidate && cached.status === undefined) return { kind: 'done' };
    const instance = deps.writes.freshest(cached);
    const before = ownedConditions(instance);
    const conditions = describeInstance(
      instance,
      deps.devices.get(instance.spec.deviceName),
      new Date(deps.clock.now()).toISOString(),
    );
    if (sameContent(before, conditions) || isAwaited(instance, conditions)) {
      deps.held.settle(key);
      return { kind: 'done' };
    }
    const heldSeconds = isOvertaken(instance, conditions) ? deps.held.remaining(key) : 0;
    if (heldSeconds > 0)
      return {
        kind: 'requeueAfter',
        seconds: heldSeconds,
        reason: 'CandidateServes',
        message: 'what becomes of its candidate will say it too',
      };
    deps.held.settle(key);
    const { name, namespace, uid, resourceVersion } = instance.metadata;
    const metadata = { name, uid, ...(namespace === undefined ? {} : { namespace }) };
    const written = await deps.client.applyStatus(
      modelInstances,
      { metadata, status: { conditions } },
      { signal, fieldManager: fieldManagers.controller, resourceVersion },
    );
    deps.writes.record(instance, written);
    return { kind: 'done' };
  };
}

/** Its agent is there and will say what became of this generation: until then nothing is new but the number. Pure. */
export function isAwaited(instance: ModelInstance, next: readonly Condition[]): boolean {
  const reached = (conditions: readonly Condition[]) => findCondition(conditions, 'DeviceReachable')?.status ?? 'True';
  const behind = (instance.status?.observedGeneration ?? 0) < (instance.metadata.generation ?? 1);
  return behind && reached(ownedConditions(instance)) === 'True' && reached(next) === 'True';
}

/**
 * A candidate has come, nothing else is new: its deployment is about to decide on it, by a write to this very object that one of
 * ours would get in the way of. Pure.
 */
export function isOvertaken(instance: ModelInstance, next: readonly Condition[]): boolean {
  const said = (conditions: readonly Condition[]) =>
    conditions.map((condition) => ({ ...condition, observedGeneration: undefined }));
  return instance.spec.candidate !== undefined && sameContent(said(ownedConditions(instance)), said(next));
}

/** Pure. */
export function describeInstance(instance: Stored<ModelInstance>, device: EdgeDevice | undefined, now: string): Condition[] {
  const reachable = judgeReachable(instance, device);
  const ready = reachable.status === 'True' ? judgeServing(instance) : { ...reachable, status: 'Unknown' as const };
  const observedGeneration = instance.metadata.generation ?? 1;
  return [
    { type: 'DeviceReachable', ...reachable },
    { type: 'Ready', ...ready },
  ].reduce((conditions, next) => setCondition(conditions, { ...next, observedGeneration }, now), ownedConditions(instance));
}

type Finding = Pick<Condition, 'status' | 'reason' | 'message'>;

function judgeReachable(instance: ModelInstance, device: EdgeDevice | undefined): Finding {
  const ready = findCondition(device?.status?.conditions, 'Ready');
  if (ready?.status === 'True') return { status: 'True', reason: 'AgentReady', message: ready.message };
  const { deviceName } = instance.spec;
  if (!device) return { status: 'False', reason: 'AgentNotJoined', message: `there is no EdgeDevice ${deviceName}` };
  return {
    status: ready?.status ?? 'Unknown',
    reason: ready?.reason ?? 'AgentNotJoined',
    message: ready?.message ?? 'the device has not been looked at yet',
  };
}

function judgeServing({ spec, status }: ModelInstance): Finding {
  const { active, candidate } = spec;
  if (!active)
    return {
      status: 'False',
      reason: candidate ? 'Testing' : 'Progressing',
      message: candidate ? `${candidate.revision} is tested first` : 'nothing is assigned yet',
    };
  const revision = status?.revisions?.find((entry) => entry.revision === active.revision);
  if (revision?.phase === 'Serving' && revision.slot !== 'Active')
    return { status: 'False', reason: 'Progressing', message: `${active.revision} is being promoted` };
  if (revision?.phase === 'Serving')
    return { status: 'True', reason: 'Succeeded', message: `${active.revision} answers requests` };
  return {
    status: 'False',
    reason: revision?.reason ?? 'Progressing',
    message: revision?.message ?? `${active.revision} is ${(revision?.phase ?? 'Pending').toLowerCase()}`,
  };
}

function ownedConditions(instance: ModelInstance): Condition[] {
  return owned.flatMap((type) => findCondition(instance.status?.conditions, type) ?? []);
}
