// May a class have the target revision? Yes by prediction, yes by test, not yet, or no.
import { isDailyTest, isTestOf } from '../canary/orders.ts';
import { classRollout } from '../class-rollout.ts';
import type { TargetRevision } from '../revision.ts';
import { type ClassGroup, type Member, rejectionOf, type Scope } from '../scope.ts';
import { testCandidate } from './test-candidate.ts';
import { awaitPerson, type Permission } from './verdict.ts';

export function permit(scope: Scope, group: ClassGroup, target: TargetRevision, behind: readonly Member[]): Permission {
  const rollout = classRollout(scope, target.name, group.className);
  const estimate = group.choice?.estimate;
  if (rollout.verdict === undefined) {
    if (estimate?.admission !== 'Direct' || mustCompare(scope, group, target, behind))
      return testCandidate(scope, group, target, rollout, behind);
    scope.analyses.set(group.className, { verdict: 'Successful', reason: estimate.reason, message: estimate.message });
    return { kind: 'granted' };
  }
  if (rollout.verdict !== 'Successful') return awaitPerson(scope, group, target, rollout);
  const { reason = 'Succeeded', message = 'the test has been judged' } = rollout;
  scope.analyses.set(group.className, { verdict: 'Successful', reason, message, look: rollout.look });
  return { kind: 'granted' };
}

/** A prediction knows nothing of a regression: who declares rollout.analysis has a successor compared with what serves. */
function mustCompare(scope: Scope, { className }: ClassGroup, target: TargetRevision, behind: readonly Member[]): boolean {
  if (scope.world.deployment.spec.rollout?.analysis === undefined) return false;
  // Whose active revision is the target already is here because it is under test.
  return behind.some(
    ({ slots: { active } }) =>
      active !== undefined && (active.revision === target.name || rejectionOf(scope, active.revision, className) === undefined),
  );
}

/** Devices on which the target is active only to be tested: strategy Recreate has no place beside. */
export function underTest(scope: Scope, { className, members }: ClassGroup, target: TargetRevision): readonly Member[] {
  const { deployment } = scope.world;
  if (deployment.spec.rollout?.strategy !== 'Recreate') return [];
  if (classRollout(scope, target.name, className).verdict !== undefined) return [];
  return members.filter(
    ({ slots: { active, energyTest } }) =>
      active?.revision === target.name && energyTest && isTestOf(energyTest, target.name) && !isDailyTest(energyTest),
  );
}
