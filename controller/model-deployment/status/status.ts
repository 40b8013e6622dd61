// The status of a ModelDeployment out of a finished scope. Pure.
import type { ModelDeploymentStatus } from '../../../crds/model-deployment.ts';
import type { Condition } from '../../../kube/api/objects.ts';
import { removeCondition, setCondition } from '../../../kube/meta/conditions.ts';
import { counted } from '../../../kube/meta/counted.ts';
import type { PhaseResult } from '../phase.ts';
import { type Finding, type Member, membersOf, rejectionOf, type Scope, serves, timeOf } from '../scope.ts';
import { describeClass } from './class-status.ts';
import { headlineOf } from './headline.ts';
import { describeHistory } from './history.ts';

const maximumRejected = 10;

export interface Concluded {
  findings: ReadonlyMap<string, Finding>;
  /** The first phase that is not done. */
  blocking?: { condition: string; result: PhaseResult };
}

export function describeDeployment(scope: Scope, concluded: Concluded): ModelDeploymentStatus {
  const { deployment, placement } = scope.world;
  const before = deployment.status;
  const members = membersOf(scope);
  const counts = countDevices(scope, members);
  const classes = scope.groups.map((group) => describeClass(scope, group));
  const energy = headlineOf(classes);
  const rejected = rejectedRevisions(scope);
  const history = describeHistory(scope, energy);
  const handled = scope.target && scope.memory.get(scope.target.name)?.state?.handled.at(-1);
  const command = handled ?? before?.lastHandledCommand;
  const currentRevision = scope.target?.name ?? before?.currentRevision;
  return {
    observedGeneration: deployment.metadata.generation ?? 1,
    conditions: conditionsOf(scope, concluded, counts),
    ...(currentRevision === undefined ? {} : { currentRevision }),
    devices: counts,
    ...(energy === undefined ? {} : { energy }),
    ...(classes.length === 0 ? {} : { classes }),
    ...(placement === undefined || placement.candidates.length === 0
      ? {}
      : { candidates: placement.candidates, candidateCounts: placement.candidateCounts }),
    ...(command === undefined ? {} : { lastHandledCommand: command }),
    ...(rejected.length === 0 ? {} : { rejectedRevisions: rejected }),
    ...(history.length === 0 ? {} : { history }),
  };
}

/** What stays as it was while the deployment is suspended; what serves goes on serving. */
export function describeSuspended(scope: Scope): ModelDeploymentStatus {
  const { deployment } = scope.world;
  const observedGeneration = deployment.metadata.generation ?? 1;
  const before = deployment.status?.conditions ?? [];
  const message = 'spec.suspend is set: nothing is changed, what serves goes on serving';
  const ready = setCondition(
    before,
    {
      type: 'Ready',
      status: before.find(({ type }) => type === 'Ready')?.status ?? 'Unknown',
      reason: 'Suspended',
      message,
      observedGeneration,
    },
    timeOf(scope),
  );
  return {
    ...deployment.status,
    observedGeneration,
    conditions: removeCondition(removeCondition(ready, 'Reconciling'), 'Stalled'),
  };
}

type Counts = NonNullable<ModelDeploymentStatus['devices']>;

function countDevices(scope: Scope, members: readonly Member[]): Counts {
  const updated = members.filter(
    (member) => member.slots.active !== undefined && member.slots.active.revision === scope.target?.name,
  );
  return {
    desired: scope.world.placement?.desired ?? scope.world.deployment.spec.placement.replicas ?? 1,
    updated: updated.length,
    ready: updated.filter((member) => member.reachable && serves(member, member.slots.active)).length,
    unreachable: members.filter((member) => !member.reachable).length,
  };
}

function conditionsOf(scope: Scope, { findings, blocking }: Concluded, counts: Counts): Condition[] {
  const { deployment } = scope.world;
  const observedGeneration = deployment.metadata.generation ?? 1;
  const now = timeOf(scope);
  const available = judgeAvailable(scope);
  const ready = judgeReady(scope, counts, blocking);
  const stalled = blocking?.result.kind === 'stalled';
  const reconciling = ready.status !== 'True' && !stalled;
  const all: [string, Finding | undefined][] = [
    ...findings,
    ['Available', available],
    ['Ready', ready],
    ['Reconciling', reconciling ? { status: 'True', reason: ready.reason, message: ready.message } : undefined],
    ['Stalled', stalled ? { status: 'True', reason: ready.reason, message: ready.message } : undefined],
  ];
  let conditions = deployment.status?.conditions ?? [];
  for (const [type, finding] of all)
    conditions = finding
      ? setCondition(conditions, { type, ...finding, observedGeneration }, now)
      : removeCondition(conditions, type);
  return conditions;
}

/** Enough devices serve some good revision. */
function judgeAvailable(scope: Scope): Finding {
  const { deployment, placement } = scope.world;
  const desired = placement?.desired ?? deployment.spec.placement.replicas ?? 1;
  const needed = Math.max(1, Math.min(deployment.spec.rollout?.minimumDevices ?? 1, desired));
  const serving = scope.groups.flatMap(({ className, members }) =>
    members.filter((member) => member.reachable && servesGood(scope, member, className)),
  ).length;
  if (serving >= needed)
    return { status: 'True', reason: 'Succeeded', message: `${counted(serving, 'device serves', 'devices serve')} it` };
  return {
    status: 'False',
    reason: serving === 0 ? 'NoFeasibleDevice' : 'Progressing',
    message: `${counted(serving, 'device serves', 'devices serve')} it, at least ${needed} must`,
  };
}

/** While a switch is under way its agent serves the one before: what it says of its active slot counts, not what was ordered. */
function servesGood(scope: Scope, { instance, slots }: Member, className: string): boolean {
  const serving = instance.status?.revisions?.find(({ slot, phase }) => slot === 'Active' && phase === 'Serving');
  return slots.active !== undefined && serving !== undefined && rejectionOf(scope, serving.revision, className) === undefined;
}

/** This generation has converged on all reachable devices, and on at least minimumDevices. */
function judgeReady(scope: Scope, counts: Counts, blocking: Concluded['blocking']): Finding {
  if (blocking) return { status: 'False', reason: blocking.result.reason, message: blocking.result.message };
  const minimum = Math.max(1, Math.min(scope.world.deployment.spec.rollout?.minimumDevices ?? 1, counts.desired));
  if (counts.ready < minimum)
    return {
      status: 'False',
      reason: counts.unreachable > 0 ? 'AgentUnreachable' : 'Progressing',
      message: `${counted(counts.ready, 'device serves', 'devices serve')} it, at least ${minimum} must`,
    };
  const unreachable = counts.unreachable > 0 ? `; ${counts.unreachable} unreachable` : '';
  return {
    status: 'True',
    reason: 'Succeeded',
    message: `${counts.ready} of ${counted(counts.desired, 'device serves', 'devices serve')} ${scope.target?.name}${unreachable}`,
  };
}

function rejectedRevisions(scope: Scope): NonNullable<ModelDeploymentStatus['rejectedRevisions']> {
  return [...scope.memory]
    .flatMap(([revision, { rejections }]) =>
      rejections.map((rejection) => ({ revision, ...rejection, message: rejection.message.slice(0, 1024) })),
    )
    .sort((a, b) => (a.time === b.time ? 0 : a.time < b.time ? 1 : -1))
    .slice(0, maximumRejected);
}
