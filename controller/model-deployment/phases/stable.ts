// What a class serves while the target is not everywhere: devices that have nothing, or lag behind, get that.
import type { Slot } from '../../../crds/model-instance.ts';
import type { TargetRevision } from '../revision.ts';
import { type ClassGroup, type Member, rejectionOf, type Scope, serves, withoutAbsent } from '../scope.ts';

interface Stable {
  slot: Slot;
  /** Its rollout had come to its end in this class; one that was superseded half-way is not spread any further. */
  whole: boolean;
}

/** @param ended nothing more will come of the target without a person: nobody else brings up what lags behind. */
export function keepStable(scope: Scope, group: ClassGroup, target: TargetRevision, ended: boolean): void {
  const stable = stableOf(scope, group, target);
  for (const member of group.members) {
    dropStale(member, target, stable);
    const { active, candidate } = member.slots;
    if (!stable || candidate?.revision === target.name || active?.revision === target.name) continue;
    if (!active && !candidate) member.slots = { ...member.slots, active: stable.slot };
    else if (stable.whole && active && numberOf(scope, active) < numberOf(scope, stable.slot))
      catchUp(scope, member, stable.slot, ended);
  }
}

/** The newest of what the class serves beside the target; what was rolled out whole comes before what was not. */
function stableOf(scope: Scope, { className, members }: ClassGroup, target: TargetRevision): Stable | undefined {
  const found = members
    .flatMap(({ slots }) => slots.active ?? [])
    .filter((slot) => slot.revision !== target.name && !rejectionOf(scope, slot.revision, className))
    .map((slot): Stable => ({ slot, whole: isWhole(scope, slot.revision) }));
  const rank = ({ slot, whole }: Stable) => numberOf(scope, slot) + (whole ? 1e9 : 0);
  return found.reduce<Stable | undefined>((best, one) => (best && rank(best) >= rank(one) ? best : one), undefined);
}

/** Later revisions have higher numbers. */
function numberOf({ world }: Scope, { revision }: Slot): number {
  return world.revisions.find(({ metadata }) => metadata.name === revision)?.revision ?? 0;
}

function isWhole(scope: Scope, revision: string): boolean {
  const outcome = scope.memory.get(revision)?.state?.outcome;
  return outcome !== undefined && outcome !== 'Superseded' && outcome !== 'Progressing';
}

/** A candidate that nobody tests any more must not go on taking requests. */
function dropStale(member: Member, target: TargetRevision, stable: Stable | undefined): void {
  const { active, candidate, previous } = member.slots;
  if (!active || !candidate || candidate.revision === target.name) return;
  if (stable?.whole && candidate.revision === stable.slot.revision) return;
  member.slots = withoutAbsent({ ...nothingBeside, active, previous });
}

/** One step of a device that was away when its class got what it serves now. */
function catchUp(scope: Scope, member: Member, stable: Slot, ended: boolean): void {
  const { active, candidate, previous } = member.slots;
  const { strategy, candidateSharePercent = 10 } = scope.world.deployment.spec.rollout ?? {};
  if (candidate && serves(member, candidate))
    member.slots = withoutAbsent({ ...nothingBeside, active: candidate, previous: active ?? previous });
  else if (!candidate && ended && strategy === 'Recreate')
    member.slots = withoutAbsent({ ...nothingBeside, active: stable, previous: active ?? previous, strategy });
  else if (!candidate && ended)
    member.slots = withoutAbsent({ ...nothingBeside, active, previous, candidate: stable, candidateSharePercent, strategy });
}

const nothingBeside = {
  candidate: undefined,
  candidateSharePercent: undefined,
  strategy: undefined,
  energyTest: undefined,
  trafficTest: undefined,
};
