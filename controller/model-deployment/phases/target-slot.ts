import type { Slot } from '../../../crds/model-instance.ts';
import { chooseVariant } from '../../estimate/choose-variant.ts';
import { slotOf, type TargetRevision } from '../revision.ts';
import type { Member, Scope } from '../scope.ts';

/** The slot for one device: the variant it has of this revision, else the one that suits it best. */
export function targetSlot(scope: Scope, member: Member, target: TargetRevision): Slot | undefined {
  const { version, deployment, estimator } = scope.world;
  if (!version || !member.device) return undefined;
  const { active, candidate } = member.slots;
  const present = [active, candidate].find((slot) => slot?.revision === target.name)?.variant;
  const choice = present === undefined ? chooseVariant(estimator, deployment, version, member.device) : undefined;
  const variant = present ?? (choice?.kind === 'chosen' ? choice.variant.name : undefined);
  if (variant === undefined) return undefined;
  const peakMemory = version.status?.variants?.find((entry) => entry.name === variant)?.peakMemory;
  return slotOf(target, variant, { budget: deployment.spec.budget, ...(peakMemory === undefined ? {} : { peakMemory }) });
}
