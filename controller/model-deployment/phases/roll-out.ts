// Brings the target revision onto the instances of every class: tested where the prediction does not suffice, in batches.
import { counted } from '../../../kube/meta/counted.ts';
import { classRollout, lastProgress, noteHold, rememberRollout } from '../class-rollout.ts';
import { promoted } from '../commands.ts';
import { type Phase, type PhaseResult, untilDeadline } from '../phase.ts';
import type { TargetRevision } from '../revision.ts';
import type { ClassRollout } from '../revision-memory.ts';
import {
  type ClassGroup,
  isHeld,
  type Member,
  membersOf,
  recheckAfter,
  rejectionOf,
  type Scope,
  serves,
  timeOf,
} from '../scope.ts';
import { advance, allowedDevices } from '../steps.ts';
import { failedBesideGood, inOrder, moveMember } from './batch.ts';
import { checkAgain } from './check-again.ts';
import { demote } from './enforce.ts';
import { permit, underTest } from './permit.ts';
import { keepStable } from './stable.ts';
import { fail } from './verdict.ts';

interface ClassResult {
  /** `patient` waits for something that may take as long as it likes: a pause, a gate, a maintenance window. */
  kind: 'done' | 'working' | 'patient' | 'rejected' | 'stopped';
  className: string;
  reason: string;
  message: string;
}

export const rollOut: Phase = {
  condition: 'RolledOut',
  run(scope) {
    const { target } = scope;
    if (!target) return { kind: 'waiting', reason: 'NotReached', message: 'there is no revision yet' };
    const results = scope.groups.filter((group) => group.members.length > 0).map((group) => rollOutClass(scope, group, target));
    const result = summarize(scope, target, results);
    concludeRollout(scope, target, result);
    return result;
  },
};

function rollOutClass(scope: Scope, group: ClassGroup, target: TargetRevision): ClassResult {
  const result = moveClass(scope, group, target);
  if (result.kind === 'done') checkAgain(scope, group, target);
  else keepStable(scope, group, target, result.kind === 'rejected' || result.kind === 'stopped');
  return result;
}

function moveClass(scope: Scope, group: ClassGroup, target: TargetRevision): ClassResult {
  const { className, members } = group;
  const rejection = rejectionOf(scope, target.name, className);
  if (rejection) return rejectedResult(scope, group, target, rejection);
  const behind = members.filter((member) => member.slots.active?.revision !== target.name);
  const testing = underTest(scope, group, target);
  noteHold(scope, target.name, className, behind.some(isHeld));
  if (behind.length > 0 && group.choice?.kind !== 'chosen') {
    const message = group.choice?.message ?? 'its class is not known';
    const reason = group.choice?.estimate?.reason ?? 'NoDeviceClass';
    scope.analyses.set(className, { verdict: 'Failed', reason, message });
    return { kind: 'stopped', className, reason, message };
  }
  if (behind.length + testing.length > 0) {
    const permission = permit(scope, group, target, [...testing, ...behind]);
    if (permission.kind === 'rejected') return rejectedResult(scope, group, target, permission);
    if (permission.kind === 'testing') return { ...permission, className, kind: behind.every(isHeld) ? 'patient' : 'working' };
    if (permission.kind === 'stopped') return { ...permission, className };
  } else recallAnalysis(scope, group, target);
  return moveBatch(scope, group, target);
}

/** The verdict stays to be read while the revision serves. */
function recallAnalysis(scope: Scope, { className }: ClassGroup, target: TargetRevision): void {
  const { verdict, reason = 'Succeeded', message = '', look } = classRollout(scope, target.name, className);
  if (verdict) scope.analyses.set(className, { verdict, reason, message, look });
}

/** Nobody keeps a revision that its class has rejected: back by a pointer swap, in this very pass. */
function rejectedResult(
  scope: Scope,
  group: ClassGroup,
  target: TargetRevision,
  { reason, message }: { reason: string; message: string },
): ClassResult {
  const { className, members } = group;
  for (const member of members)
    if ([member.slots.active, member.slots.candidate].some((slot) => slot?.revision === target.name))
      demote(scope, group, member);
  scope.analyses.set(className, { verdict: 'Failed', reason, message });
  return { kind: 'rejected', className, reason, message };
}

function moveBatch(scope: Scope, group: ClassGroup, target: TargetRevision): ClassResult {
  const { className, members } = group;
  const { steps = [], minimumDevices = 1 } = scope.world.deployment.spec.rollout ?? {};
  const rollout = classRollout(scope, target.name, className);
  const allowed = inOrder(members, target.name).slice(0, allowedDevices(steps, rollout.step, members.length));
  const failure = failedBesideGood(allowed, target);
  if (failure && rollout.verdict !== 'Successful') {
    const permission = fail(scope, group, target, rollout, failure);
    if (permission.kind === 'rejected') return rejectedResult(scope, group, target, permission);
    if (permission.kind === 'stopped') return { ...permission, className };
  } else if (failure && (scope.world.deployment.spec.rollout?.onFailure ?? 'Rollback') === 'Rollback') {
    const permission = fail(scope, group, target, rollout, failure);
    if (permission.kind === 'rejected') return rejectedResult(scope, group, target, permission);
  }
  const everyone = membersOf(scope);
  for (const member of allowed) moveMember(scope, member, target, everyone);
  const has = (member: Member) => member.slots.active?.revision === target.name && serves(member, member.slots.active);
  // A device that does not answer is pending: the rest goes on without it, as long as enough have answered.
  const complete = (some: readonly Member[]) =>
    some.every((member) => has(member) || !member.reachable) && some.filter(has).length >= Math.min(minimumDevices, some.length);
  const batch = {
    complete: complete(allowed),
    everywhere: complete(members),
    promoted: (step: number) => promoted(scope, target.name, step, 'waiting'),
  };
  const next = advance(steps, rollout, batch, scope.world.nowMilliseconds);
  switch (next.kind) {
    case 'finished':
      return { kind: 'done', className, reason: 'Succeeded', message: describeDone(members, has) };
    case 'advanced':
      rememberRollout(scope, target.name, className, next.rollout);
      recheckAfter(scope, 1);
      return progress('working', group, target, next.rollout, 'the next batch begins');
    case 'paused':
      recheckAfter(scope, next.seconds);
      return progress('patient', group, target, rollout, `pauses after step ${rollout.step}`);
    case 'awaitingPromotion':
      return {
        kind: 'patient',
        className,
        reason: 'AwaitingPromotion',
        message: `step ${next.step} is done: set the annotation jouleops.dev/promote to ${target.name}/${next.step}`,
      };
    case 'working': {
      const late = allowed.filter((member) => member.reachable && !has(member));
      return progress(
        late.length > 0 && late.every(isHeld) ? 'patient' : 'working',
        group,
        target,
        rollout,
        waitingFor(late, target),
      );
    }
  }
}

function describeDone(members: readonly Member[], has: (member: Member) => boolean): string {
  const pending = members.filter((member) => !has(member)).length;
  const all = counted(members.length, 'device');
  if (pending === 0) return `on ${all}`;
  return `on ${members.length - pending} of ${all}; ${counted(pending, 'does not answer and is', 'do not answer and are')} pending`;
}

function progress(
  kind: ClassResult['kind'],
  { className, members }: ClassGroup,
  target: TargetRevision,
  rollout: ClassRollout,
  detail: string,
): ClassResult {
  const updated = members.filter(
    (member) => member.slots.active?.revision === target.name && serves(member, member.slots.active),
  ).length;
  const step = rollout.step > 0 ? `, step ${rollout.step}` : '';
  return {
    kind,
    className,
    reason: 'Progressing',
    message: `${updated} of ${counted(members.length, 'device serves', 'devices serve')} ${target.name}${step}: ${detail}`,
  };
}

function waitingFor([late]: readonly Member[], target: TargetRevision): string {
  if (!late) return 'too few devices answer (minimumDevices)';
  const status = late.instance.status?.revisions?.find((revision) => revision.revision === target.name);
  const device = late.instance.spec.deviceName;
  if (isHeld(late)) return `${device} is on hold or outside its maintenance windows`;
  if (!status) return `${device} has not begun`;
  return `${device} is ${status.phase.toLowerCase()}${status.message === undefined ? '' : ` (${status.message})`}`;
}

/** The summary of all classes; what still moves comes before what has failed. */
function summarize(scope: Scope, target: TargetRevision, results: readonly ClassResult[]): PhaseResult {
  const describe = (some: readonly ClassResult[]) => some.map((result) => `${result.className}: ${result.message}`).join('; ');
  const open = results.filter((result) => result.kind === 'working' || result.kind === 'patient');
  const [first] = open;
  if (first) {
    const words = { reason: first.reason, message: describe(open) };
    const late = open.some((result) => result.kind === 'working');
    return late ? untilDeadline(scope, lastProgress(scope, target.name, membersOf(scope)), words) : { kind: 'waiting', ...words };
  }
  const rejected = results.filter((result) => result.kind === 'rejected');
  if (rejected.length > 0)
    return {
      kind: 'stalled',
      reason: 'RevisionRejected',
      message: `${target.name} was rejected: ${describe(rejected)}; change the model, the budget, or set the annotation jouleops.dev/retry to ${target.name}`,
    };
  const stopped = results.filter((result) => result.kind === 'stopped');
  const [stop] = stopped;
  if (stop) return { kind: 'stalled', reason: stop.reason, message: describe(stopped) };
  return { kind: 'done', reason: 'Succeeded', message: describe(results) };
}

/** History: what became of the revision. */
function concludeRollout(scope: Scope, target: TargetRevision, result: PhaseResult): void {
  const memory = scope.memory.get(target.name);
  const state = memory?.state;
  if (!memory || !state) return;
  if (result.kind === 'done' && state.outcome !== 'Succeeded') {
    memory.state = { ...state, outcome: 'Succeeded', endTime: timeOf(scope), message: result.message };
    scope.events.push({
      type: 'Normal',
      reason: 'Succeeded',
      action: 'RollOut',
      note: `${target.name} is rolled out: ${result.message}`,
    });
  }
  const rejected = result.kind === 'stalled' && result.reason === 'RevisionRejected';
  if (!rejected || state.outcome === 'Rejected' || state.outcome === 'RolledBack') return;
  const served = state.outcome === 'Succeeded' || scope.events.some((event) => event.reason === 'RolledBack');
  memory.state = {
    ...state,
    outcome: served ? 'RolledBack' : 'Rejected',
    endTime: timeOf(scope),
    message: result.message.slice(0, 500),
  };
}
