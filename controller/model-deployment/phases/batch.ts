// Moves the devices of one batch towards the target revision, each one step per pass.
import { judgeLoad } from '../canary/judge-load.ts';
import { isTestOf } from '../canary/orders.ts';
import type { TargetRevision } from '../revision.ts';
import { type Member, type Scope, serves, withoutAbsent } from '../scope.ts';
import { targetSlot } from './target-slot.ts';

/** Devices that have it, then those that test it, then those that answer, by name: a batch only ever grows. */
export function inOrder(members: readonly Member[], target: string): Member[] {
  const rank = (member: Member) =>
    member.slots.active?.revision === target ? 0 : member.slots.candidate?.revision === target ? 1 : member.reachable ? 2 : 3;
  return [...members].sort((a, b) => rank(a) - rank(b) || (a.instance.spec.deviceName < b.instance.spec.deviceName ? -1 : 1));
}

/** A revision that does not load where another serves is not tried for ever beside it. */
export function failedBesideGood(
  allowed: readonly Member[],
  target: TargetRevision,
): { reason: string; message: string } | undefined {
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
  const { active, previous, candidate } = member.slots;
  const energyTest = finishedOrder(member, target);
  const common = {
    candidate: undefined,
    candidateSharePercent: undefined,
    strategy: undefined,
    trafficTest: undefined,
    energyTest,
  };
  if (active?.revision === target.name) {
    member.slots = withoutAbsent({ ...common, active: slot, previous });
    return;
  }
  const { strategy, candidateSharePercent = 10, maximumUnavailable = 1 } = scope.world.deployment.spec.rollout ?? {};
  if (active === undefined || serves(member, candidate?.revision === target.name ? candidate : undefined)) {
    member.slots = withoutAbsent({ ...common, active: slot, previous: active ?? previous });
    return;
  }
  if (strategy !== 'Recreate') {
    member.slots = withoutAbsent({ ...common, active, candidate: slot, previous, candidateSharePercent, strategy });
    return;
  }
  const isGap = ({ reachable, slots }: Member) => reachable && slots.active !== undefined;
  const gaps = all.filter((other) => isGap(other) && !serves(other, other.slots.active)).length;
  if (gaps < maximumUnavailable) member.slots = withoutAbsent({ ...common, active: slot, previous: active, strategy });
}

/** What a finished test of this revision measured stays to be read; an unfinished order would be carried out on something else. */
function finishedOrder({ slots: { energyTest }, instance }: Member, target: TargetRevision) {
  if (!energyTest || !isTestOf(energyTest, target.name)) return undefined;
  const test = instance.status?.tests?.find(({ id }) => id === energyTest.id);
  return test?.state === 'Completed' ? energyTest : undefined;
}
