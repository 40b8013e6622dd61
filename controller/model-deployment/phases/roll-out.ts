// Brings the target revision onto the instances of every class: tested where the prediction does not suffice, in batches.

import { promoted } from '../commands.ts';
import { type Phase, type PhaseResult, untilDeadline } from '../phase.ts';
import type { TargetRevision } from '../revision.ts';
import type { ClassRollout } from '../revision-memory.ts';
import { type ClassGroup, type Member, recheckAfter, reject, rejectionOf, type Scope, serves, timeOf } from '../scope.ts';
import { advance, allowedDevices } from '../steps.ts';
import { failedBesideGood, inOrder, moveMember } from './batch.ts';
import { classRollout, permit, rememberRollout } from './permit.ts';

export type ClassResult = {
  kind: 'done' | 'working' | 'rejected' | 'stopped';
  className: string;
  reason: string;
  message: string;
};

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
  const { className, members } = group;
  const rejection = rejectionOf(scope, target.name, className);
  if (rejection) return rejectedResult(scope, group, target, rejection);
  const behind = members.filter((member) => member.slots.active?.revision !== target.name);
  if (behind.length > 0 && group.choice?.kind !== 'chosen') {
    const message = group.choice?.message ?? 'its class is not known';
    const reason = group.choice?.estimate?.reason ?? 'NoDeviceClass';
    scope.analyses.set(className, { verdict: 'Failed', reason, message });
    return { kind: 'stopped', className, reason, message };
  }
  if (behind.length > 0) {
    const permission = permit(scope, group, target, behind);
    if (permission.kind === 'rejected') return rejectedResult(scope, group, target, permission);
    if (permission.kind !== 'granted')
      return { ...permission, className, kind: permission.kind === 'stopped' ? 'stopped' : 'working' };
  } else recallAnalysis(scope, group, target);
  return moveBatch(scope, group, target);
}

/** The verdict stays to be read while the revision serves. */
function recallAnalysis(scope: Scope, { className }: ClassGroup, target: TargetRevision): void {
  const { verdict, reason = 'Succeeded', message = '', look } = classRollout(scope, target.name, className);
  if (verdict) scope.analyses.set(className, { verdict, reason, message, look });
}

/** Nobody keeps a revision as candidate that its class has rejected. */
function rejectedResult(
  scope: Scope,
  group: ClassGroup,
  target: TargetRevision,
  rejection: { reason: string; message: string },
): ClassResult {
  for (const member of group.members) {
    if (member.slots.candidate?.revision !== target.name) continue;
    const { candidate: _, energyTest: __, candidateSharePercent: ___, ...rest } = member.slots;
    member.slots = rest;
  }
  scope.analyses.set(group.className, { verdict: 'Failed', reason: rejection.reason, message: rejection.message });
  return { kind: 'rejected', className: group.className, reason: rejection.reason, message: rejection.message };
}

function moveBatch(scope: Scope, group: ClassGroup, target: TargetRevision): ClassResult {
  const { className, members } = group;
  const steps = scope.world.deployment.spec.rollout?.steps ?? [];
  const rollout = classRollout(scope, target.name, className);
  const allowed = inOrder(members, target.name).slice(0, allowedDevices(steps, rollout.step, members.length));
  const failure = failedBesideGood(scope, allowed, target);
  if (failure) {
    reject(scope, target.name, className, failure);
    return rejectedResult(scope, group, target, failure);
  }
  for (const member of allowed) moveMember(scope, member, target, members);
  const settled = (member: Member) =>
    member.slots.active?.revision === target.name && (serves(member, member.slots.active) || !member.reachable);
  const batch = {
    complete: allowed.every(settled),
    everywhere: members.every(settled),
    promoted: (step: number) => promoted(scope, target.name, step),
  };
  const next = advance(steps, rollout, batch, scope.world.nowMilliseconds);
  switch (next.kind) {
    case 'finished':
      return { kind: 'done', className, reason: 'Succeeded', message: `on ${members.length} devices` };
    case 'advanced':
      rememberRollout(scope, target.name, className, next.rollout);
      recheckAfter(scope, 1);
      return progress(group, target, next.rollout, 'the next batch begins');
    case 'paused':
      recheckAfter(scope, next.seconds);
      return progress(group, target, rollout, `pauses after step ${rollout.step}`);
    case 'awaitingPromotion':
      return {
        kind: 'working',
        className,
        reason: 'AwaitingPromotion',
        message: `step ${next.step} is done: set the annotation jouleops.dev/promote to ${target.name}/${next.step}`,
      };
    case 'working':
      return progress(group, target, rollout, waitingFor(allowed, target));
  }
}

function progress(
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
    kind: 'working',
    className,
    reason: 'Progressing',
    message: `${updated} of ${members.length} devices serve ${target.name}${step}: ${detail}`,
  };
}

function waitingFor(allowed: readonly Member[], target: TargetRevision): string {
  const late = allowed.find(
    (member) => member.reachable && !(member.slots.active?.revision === target.name && serves(member, member.slots.active)),
  );
  if (!late) return 'waits';
  const status = late.instance.status?.revisions?.find((revision) => revision.revision === target.name);
  const device = late.instance.spec.deviceName;
  if (!status) return `${device} has not begun`;
  return `${device} is ${status.phase.toLowerCase()}${status.message === undefined ? '' : ` (${status.message})`}`;
}

/** The summary of all classes; what still moves comes before what has failed. */
function summarize(scope: Scope, target: TargetRevision, results: readonly ClassResult[]): PhaseResult {
  const startTime = scope.memory.get(target.name)?.state?.startTime;
  const describe = (some: readonly ClassResult[]) => some.map((result) => `${result.className}: ${result.message}`).join('; ');
  const working = results.filter((result) => result.kind === 'working');
  const [first] = working;
  if (first) return untilDeadline(scope, startTime, { reason: first.reason, message: describe(working) });
  const rejected = results.filter((result) => result.kind === 'rejected');
  if (rejected.length > 0)
    return { kind: 'stalled', reason: 'RevisionRejected', message: `${target.name} was rejected: ${describe(rejected)}` };
  const [stopped] = results.filter((result) => result.kind === 'stopped');
  if (stopped)
    return { kind: 'stalled', reason: stopped.reason, message: describe(results.filter((result) => result.kind === 'stopped')) };
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
  if (
    result.kind === 'stalled' &&
    result.reason === 'RevisionRejected' &&
    state.outcome !== 'Rejected' &&
    state.outcome !== 'RolledBack'
  )
    memory.state = {
      ...state,
      outcome: state.outcome === 'Succeeded' ? 'RolledBack' : 'Rejected',
      endTime: timeOf(scope),
      message: result.message.slice(0, 500),
    };
}
