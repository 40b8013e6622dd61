// Moves the devices of one batch towards the target revision, each one step per pass.
import { isTestOf, judgeLoad } from '../canary.ts';
import type { TargetRevision } from '../revision.ts';
import { type Member, type Scope, serves, withoutAbsent } from '../scope.ts';
import { targetSlot } from './permit.ts';

/** Devices that have it, then those that test it, then those that answer, by name: a batch only ever grows. */
export function inOrder(members: readonly Member[], target: string): Member[] {
  const rank = (member: Member) =>
    member.slots.active?.revision === target ? 0 : member.slots.candidate?.revision === target ? 1 : member.reachable ? 2 : 3;
  return [...members].sort((a, b) => rank(a) - rank(b) || (a.instance.spec.deviceName < b.instance.spec.deviceName ? -1 : 1));
}

/** A revision that does not load where another serves is not tried for ever beside it. */
export function failedBesideGood(
  scope: Scope,
  allowed: readonly Member[],
  target: TargetRevision,
): { reason: string; message: string } | undefined {
  if ((scope.world.deployment.spec.rollout?.onFailure ?? 'Rollback') !== 'Rollback') return undefined;
  for (const member of allowed) {
    const { active, candidate, previous } = member.slots;
    const beside = candidate?.revision === target.name ? active : active?.revision === target.name ? previous : undefined;
    const failure = beside && member.reachable ? judgeLoad(member, target.name) : undefined;
    if (failure) return failure;
  }
  return undefined;
}

/** One step of one device towards the target; the old model stays until the new one serves beside it. */
export function moveMember(scope: Scope, member: Member, target: TargetRevision, all: readonly Member[]): void {
  const slot = targetSlot(scope, member, target);
  if (!slot) return;
  const { active, previous, energyTest, strategy: _, candidateSharePercent: __, ...rest } = member.slots;
  // An order of another revision's test would be carried out on this one.
  const order = energyTest && isTestOf(energyTest, target.name) ? energyTest : undefined;
  const settled = { candidate: undefined, candidateSharePercent: undefined, strategy: undefined };
  if (active?.revision === target.name) {
    member.slots = withoutAbsent({ ...rest, ...settled, active: slot, previous, energyTest: order });
    return;
  }
  const { strategy, candidateSharePercent, maximumUnavailable = 1 } = scope.world.deployment.spec.rollout ?? {};
  const ready =
    active === undefined || serves(member, member.slots.candidate?.revision === target.name ? member.slots.candidate : undefined);
  if (ready) {
    member.slots = withoutAbsent({ ...rest, ...settled, active: slot, previous: active ?? previous, energyTest: order });
    return;
  }
  if (strategy === 'Recreate') {
    const gaps = all.filter(
      (other) => other.reachable && other.slots.active !== undefined && !serves(other, other.slots.active),
    ).length;
    if (gaps < maximumUnavailable)
      member.slots = withoutAbsent({ ...rest, ...settled, active: slot, previous: active, energyTest: order, strategy });
    return;
  }
  member.slots = withoutAbsent({
    ...rest,
    active,
    candidate: slot,
    previous,
    candidateSharePercent: candidateSharePercent ?? 10,
    strategy,
    energyTest: order,
  });
}
