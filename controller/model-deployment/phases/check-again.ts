// What serves within a budget at the core rail is measured once a day again: such a meter is read only in controlled loops, so that
// nothing else would ever notice that a model has come to cost more. The agent waits until its device is idle.
import { orderDailyTest } from '../canary/orders.ts';
import { readingsOf } from '../measured/measured.ts';
import type { TargetRevision } from '../revision.ts';
import { type ClassGroup, isHeld, type Member, recheckAfter, type Scope, serves } from '../scope.ts';

const dayMilliseconds = 86_400_000;

export function checkAgain(scope: Scope, { budget, members }: ClassGroup, target: TargetRevision): void {
  if (budget.boundary !== 'CoreRail' || !budget.amounts.some(({ name }) => name === 'EnergyPerInference')) return;
  for (const member of members) if (measures(member, target)) checkMember(scope, member, target);
}

/** Serves it, alone, on a device that can be asked and that has such a meter as far as it has said. */
function measures(member: Member, target: TargetRevision): boolean {
  const { active, candidate } = member.slots;
  if (active?.revision !== target.name || candidate || !member.reachable || isHeld(member) || !serves(member, active))
    return false;
  return member.device?.status?.powerSources?.some(({ boundary }) => boundary === 'CoreRail') ?? true;
}

function checkMember(scope: Scope, member: Member, target: TargetRevision): void {
  const since = lastMeasured(scope, member, target);
  const days = Math.floor((scope.world.nowMilliseconds - since) / dayMilliseconds);
  if (days >= 1) {
    // A test that its device gave up, or never came to, is ordered anew a day later.
    const dueTime = since + days * dayMilliseconds;
    member.slots = {
      ...member.slots,
      energyTest: orderDailyTest(scope.world.deployment, target.name, scope.criteriaHash, dueTime),
    };
  }
  recheckAfter(scope, (since + (Math.max(0, days) + 1) * dayMilliseconds - scope.world.nowMilliseconds) / 1000);
}

/** Milliseconds since the epoch: of the last reading, or from when it has been there without one. */
function lastMeasured(scope: Scope, member: Member, target: TargetRevision): number {
  const state = scope.memory.get(target.name)?.state;
  const times = readingsOf(member, target.name)
    .filter(({ boundary, attribution }) => boundary === 'CoreRail' && attribution !== 'Shared')
    .map(({ time }) => time);
  const began = [member.instance.metadata.creationTimestamp, state?.endTime ?? state?.startTime].filter(
    (time) => time !== undefined,
  );
  return Math.max(...(times.length > 0 ? times : began).map((time) => Date.parse(time)));
}
