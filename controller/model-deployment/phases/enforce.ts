// Always runs: what serves and has been measured to break its budget is rolled back or stopped.
import { measureMember } from '../measured/measured.ts';
import { type ClassGroup, type Member, reject, rejectionOf, type Scope, withoutAbsent } from '../scope.ts';

export function enforce(scope: Scope): void {
  for (const group of scope.groups) {
    for (const member of group.members) judgeActive(scope, group, member);
    for (const member of group.members) demote(scope, group, member);
  }
}

/** Measured over the budget, or gone back by itself while it was offline: the revision is rejected for its class. */
function judgeActive(scope: Scope, group: ClassGroup, member: Member): void {
  const { active } = member.slots;
  if (!active || rejectionOf(scope, active.revision, group.className)) return;
  const device = member.instance.spec.deviceName;
  const local = member.instance.status?.localRollback;
  if (local?.revision === active.revision) {
    reject(scope, active.revision, group.className, {
      reason: 'BudgetExceededMeasured',
      message: `${device} went back by itself: ${local.message ?? local.reason}`,
    });
    return;
  }
  const { enforcement, whenExceeded } = group.budget;
  if (enforcement === 'Warn' || whenExceeded === 'Report' || whenExceeded === 'Throttle' || !member.reachable) return;
  const verdict = measureMember(group.budget, member, active.revision);
  if (verdict.verdict === 'ExceedsBudget')
    reject(scope, active.revision, group.className, { reason: verdict.reason, message: `${device}: ${verdict.message}` });
}

/** A pointer swap where the old model is still there; otherwise it stops. */
export function demote(scope: Scope, group: ClassGroup, member: Member): void {
  const { active, candidate, previous, energyTest: _, trafficTest: __, candidateSharePercent, strategy, ...rest } = member.slots;
  const rejected = (revision: string | undefined) =>
    revision !== undefined && rejectionOf(scope, revision, group.className) !== undefined;
  if (!rejected(active?.revision)) {
    // Beside the active model: only the candidate goes.
    if (rejected(candidate?.revision))
      member.slots = withoutAbsent({
        ...rest,
        active,
        candidate: undefined,
        previous,
        candidateSharePercent: undefined,
        strategy,
        energyTest: undefined,
      });
    return;
  }
  const back = group.budget.whenExceeded !== 'Stop' && !rejected(previous?.revision) ? previous : undefined;
  const kept = rejected(candidate?.revision) ? undefined : candidate;
  member.slots = withoutAbsent({
    ...rest,
    active: back,
    candidate: kept,
    previous: undefined,
    candidateSharePercent: kept ? candidateSharePercent : undefined,
    strategy,
    energyTest: undefined,
  });
  const device = member.instance.spec.deviceName;
  scope.events.push({
    type: 'Warning',
    reason: back ? 'RolledBack' : 'Stopped',
    action: 'Enforce',
    note: back
      ? `${device} goes back from ${active?.revision} to ${back.revision}`
      : `${device} stops ${active?.revision}: there is nothing to go back to`,
  });
}
