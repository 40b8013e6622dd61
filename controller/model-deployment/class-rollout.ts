// What a rollout remembers of one class, and how long it has not moved. Pure.
import { findCondition } from '../../kube/meta/conditions.ts';
import { type ClassRollout, startRollout } from './revision-memory.ts';
import { type Member, type Scope, timeOf } from './scope.ts';

/** What is remembered of a class under the present criteria, or a beginning. */
export function classRollout(scope: Scope, revision: string, className: string): ClassRollout {
  const known = scope.memory.get(revision)?.state?.classes[className];
  if (known?.criteriaHash === scope.criteriaHash) return known;
  return { criteriaHash: scope.criteriaHash, look: 1, step: 0, stepTime: timeOf(scope) };
}

export function rememberRollout(scope: Scope, revision: string, className: string, rollout: ClassRollout): void {
  const memory = scope.memory.get(revision) ?? { rejections: [] };
  const state = memory.state ?? startRollout(timeOf(scope));
  memory.state = { ...state, classes: { ...state.classes, [className]: rollout } };
  scope.memory.set(revision, memory);
}

/** The time in which people or maintenance windows keep devices as they are is nobody's delay: its end must be known later. */
export function noteHold(scope: Scope, revision: string, className: string, held: boolean): void {
  const rollout = classRollout(scope, revision, className);
  if (held === (rollout.held ?? false)) return;
  const { held: _, ...rest } = rollout;
  rememberRollout(scope, revision, className, held ? { ...rest, held } : { ...rest, resumeTime: timeOf(scope) });
}

/** When the rollout last moved: a step, a look, a device that began to serve, or one that only now can be changed. ISO 8601. */
export function lastProgress(scope: Scope, revision: string, members: readonly Member[]): string {
  const state = scope.memory.get(revision)?.state;
  const classes = Object.values(state?.classes ?? {}).flatMap(({ stepTime, stepDoneTime, lookTime, resumeTime }) => [
    stepTime,
    stepDoneTime,
    lookTime,
    resumeTime,
  ]);
  const served = members
    .filter((member) => member.slots.active?.revision === revision)
    .map((member) => findCondition(member.instance.status?.conditions, 'Serving')?.lastTransitionTime);
  const came = members.filter((member) => !hasServed(member, revision)).flatMap(timesOfComing);
  const times = [state?.startTime, state?.resumeTime, ...classes, ...served, ...came].filter((time) => time !== undefined);
  return times.reduce((a, b) => (Date.parse(b) > Date.parse(a) ? b : a), times[0] ?? timeOf(scope));
}

function hasServed({ slots, instance }: Member, revision: string): boolean {
  const report = instance.status?.revisions?.find((entry) => entry.revision === revision);
  return slots.active?.revision === revision && report?.phase === 'Serving';
}

/** When a device joined the deployment, and when its agent last came back. */
function timesOfComing({ instance, device, reachable }: Member): (string | undefined)[] {
  const ready = reachable ? findCondition(device?.status?.conditions, 'Ready')?.lastTransitionTime : undefined;
  return [instance.metadata.creationTimestamp, ready];
}

/** Seconds until the progress deadline; not above zero once it has passed. */
export function secondsToDeadline(scope: Scope, revision: string, members: readonly Member[]): number {
  const deadlineSeconds = scope.world.deployment.spec.rollout?.progressDeadlineSeconds ?? 86_400;
  const start = Date.parse(lastProgress(scope, revision, members));
  return deadlineSeconds - (scope.world.nowMilliseconds - start) / 1000;
}
