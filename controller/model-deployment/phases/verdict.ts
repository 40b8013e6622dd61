// What follows from the verdict on a class, and what a person may say to it.
import { rememberRollout } from '../class-rollout.ts';
import { type PromotionAsker, promoted } from '../commands.ts';
import type { TargetRevision } from '../revision.ts';
import type { ClassRollout } from '../revision-memory.ts';
import { type ClassGroup, reject, type Scope } from '../scope.ts';

export type Permission =
  | { kind: 'granted' }
  | { kind: 'testing'; reason: string; message: string }
  /** A person has to say. */
  | { kind: 'stopped'; reason: string; message: string }
  | { kind: 'rejected'; reason: string; message: string };

export function awaitPerson(scope: Scope, group: ClassGroup, target: TargetRevision, rollout: ClassRollout): Permission {
  const { verdict = 'Inconclusive', reason = 'Inconclusive', message = '' } = rollout;
  const passed = promotedByPerson(scope, group, target, rollout, message, 'waiting');
  if (passed) return passed;
  scope.analyses.set(group.className, { verdict, reason, message, look: rollout.look });
  const next = `set the annotation jouleops.dev/promote to ${target.name}/${rollout.step} to let it pass, or jouleops.dev/abort to ${target.name}`;
  return { kind: 'stopped', reason: verdict === 'Failed' ? reason : 'Inconclusive', message: `${message}; ${next}` };
}

/** A person may let a candidate pass whatever its tests say, also before they have said anything. */
export function promotedByPerson(
  scope: Scope,
  group: ClassGroup,
  target: TargetRevision,
  rollout: ClassRollout,
  message: string,
  asker: PromotionAsker,
): Permission | undefined {
  if (!promoted(scope, target.name, rollout.step, asker)) return undefined;
  return settle(scope, group, target, rollout, {
    verdict: 'Successful',
    reason: 'Succeeded',
    message: `a person promoted it; ${message}`,
  });
}

export function fail(
  scope: Scope,
  group: ClassGroup,
  target: TargetRevision,
  rollout: ClassRollout,
  { reason, message }: { reason: string; message: string },
): Permission {
  switch (scope.world.deployment.spec.rollout?.onFailure ?? 'Rollback') {
    case 'Rollback':
      reject(scope, target.name, group.className, { reason, message });
      return { kind: 'rejected', reason, message };
    case 'Freeze':
      return settle(scope, group, target, rollout, { verdict: 'Failed', reason, message });
    case 'Continue':
      return settle(scope, group, target, rollout, {
        verdict: 'Successful',
        reason,
        message: `failed, and onFailure is Continue: ${message}`,
      });
  }
}

/** A verdict is remembered, so that it survives a restart and the end of the test's report. */
export function settle(
  scope: Scope,
  group: ClassGroup,
  target: TargetRevision,
  rollout: ClassRollout,
  verdict: { verdict: 'Successful' | 'Failed' | 'Inconclusive'; reason: string; message: string },
): Permission {
  const settled = { ...rollout, ...verdict };
  rememberRollout(scope, target.name, group.className, settled);
  scope.analyses.set(group.className, { ...verdict, look: rollout.look });
  scope.events.push({
    type: verdict.verdict === 'Successful' ? 'Normal' : 'Warning',
    reason: `Test${verdict.verdict}`,
    action: 'Test',
    note: `${target.name} on ${group.className}: ${verdict.message}`,
  });
  return verdict.verdict === 'Successful' ? { kind: 'granted' } : awaitPerson(scope, group, target, settled);
}
