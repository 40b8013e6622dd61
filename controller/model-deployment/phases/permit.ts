// May a class have the target revision? Yes by prediction, yes by test, not yet, or no.
import type { Slot } from '../../../crds/model-instance.ts';
import { chooseVariant } from '../../estimate/choose-variant.ts';
import { judgeTest, orderTest, type TestFinding, windowsOf } from '../canary.ts';
import { promoted } from '../commands.ts';
import { slotOf, type TargetRevision } from '../revision.ts';
import { type ClassRollout, startRollout } from '../revision-memory.ts';
import { type ClassGroup, type Member, reject, type Scope, timeOf, withoutAbsent } from '../scope.ts';

export type Permission =
  | { kind: 'granted' }
  | { kind: 'testing'; reason: string; message: string }
  /** A person has to say. */
  | { kind: 'stopped'; reason: string; message: string }
  | { kind: 'rejected'; reason: string; message: string };

export function permit(scope: Scope, group: ClassGroup, target: TargetRevision, behind: readonly Member[]): Permission {
  const estimate = group.choice?.estimate;
  if (estimate?.admission === 'Direct') {
    scope.analyses.set(group.className, { verdict: 'Successful', reason: estimate.reason, message: estimate.message });
    return { kind: 'granted' };
  }
  const rollout = classRollout(scope, target.name, group.className);
  if (rollout.verdict === undefined) return test(scope, group, target, rollout, behind);
  if (rollout.verdict !== 'Successful') return awaitPerson(scope, group, target, rollout);
  const { reason = 'Succeeded', message = 'the test has been judged' } = rollout;
  scope.analyses.set(group.className, { verdict: 'Successful', reason, message, look: rollout.look });
  return { kind: 'granted' };
}

function awaitPerson(scope: Scope, group: ClassGroup, target: TargetRevision, rollout: ClassRollout): Permission {
  const { verdict = 'Inconclusive', reason = 'Inconclusive', message = '' } = rollout;
  if (promoted(scope, target.name, rollout.step))
    return settle(scope, group, target, rollout, {
      verdict: 'Successful',
      reason: 'Succeeded',
      message: `a person promoted it; ${message}`,
    });
  scope.analyses.set(group.className, { verdict, reason, message, look: rollout.look });
  const next = `set the annotation jouleops.dev/promote to ${target.name}/${rollout.step} to let it pass, or jouleops.dev/abort to ${target.name}`;
  return { kind: 'stopped', reason: verdict === 'Failed' ? reason : 'Inconclusive', message: `${message}; ${next}` };
}

/** Gives the testers their candidate and order, and judges what they report. */
function test(
  scope: Scope,
  group: ClassGroup,
  target: TargetRevision,
  rollout: ClassRollout,
  behind: readonly Member[],
): Permission {
  const { deployment } = scope.world;
  const testers = chooseTesters(deployment.spec.rollout?.minimumDevices ?? 1, target.name, behind);
  if (testers.length === 0)
    return { kind: 'testing', reason: 'AgentUnreachable', message: 'no device of the class answers: the test waits for one' };
  const order = orderTest(deployment, target.name, scope.criteriaHash, rollout.look);
  for (const tester of testers) {
    const slot = targetSlot(scope, tester, target);
    if (slot) tester.slots = orderedSlots(scope, tester, slot, order);
  }
  const findings = testers.map((tester) => judgeTest(deployment, group.budget, tester, target.name, order));
  return conclude(scope, group, target, rollout, findings);
}

/** Those that test already, then by name. */
function chooseTesters(count: number, target: string, behind: readonly Member[]): Member[] {
  const tests = (member: Member) => Number(member.slots.candidate?.revision === target);
  const able = behind.filter((member) => member.reachable);
  return able
    .sort((a, b) => tests(b) - tests(a) || (a.instance.spec.deviceName < b.instance.spec.deviceName ? -1 : 1))
    .slice(0, count);
}

function orderedSlots(scope: Scope, tester: Member, candidate: Slot, energyTest: ReturnType<typeof orderTest>): Member['slots'] {
  const { active, previous } = tester.slots;
  const share = scope.world.deployment.spec.rollout?.candidateSharePercent ?? 10;
  // Where nothing serves yet there is nothing to share requests with.
  return withoutAbsent({
    active,
    candidate,
    previous,
    energyTest,
    candidateSharePercent: active ? share : undefined,
    strategy: undefined,
  });
}

function conclude(
  scope: Scope,
  group: ClassGroup,
  target: TargetRevision,
  rollout: ClassRollout,
  findings: readonly TestFinding[],
): Permission {
  const onFailure = scope.world.deployment.spec.rollout?.onFailure ?? 'Rollback';
  const failed = findings.find((finding) => finding.kind === 'failed');
  if (failed) return fail(scope, group, target, rollout, failed, onFailure);
  const running = findings.find((finding) => finding.kind === 'running');
  if (running) {
    scope.analyses.set(group.className, { verdict: 'Running', reason: 'Testing', message: running.message, look: rollout.look });
    return { kind: 'testing', reason: 'Testing', message: `energy test, ${running.message}` };
  }
  const undecided = findings.find((finding) => finding.kind === 'undecided');
  if (!undecided) {
    const [first] = findings;
    const { reason, message } = first?.kind === 'successful' ? first : { reason: 'Succeeded', message: '' };
    return settle(scope, group, target, rollout, { verdict: 'Successful', reason, message });
  }
  const { deployment } = scope.world;
  if (windowsOf(deployment, rollout.look) < windowsOf(deployment, rollout.look + 1)) {
    rememberRollout(scope, target.name, group.className, { ...rollout, look: rollout.look + 1 });
    scope.analyses.set(group.className, {
      verdict: 'Running',
      reason: undecided.reason,
      message: undecided.message,
      look: rollout.look + 1,
    });
    return { kind: 'testing', reason: 'Testing', message: `more windows are needed: ${undecided.message}` };
  }
  return settle(scope, group, target, rollout, { verdict: 'Inconclusive', reason: undecided.reason, message: undecided.message });
}

function fail(
  scope: Scope,
  group: ClassGroup,
  target: TargetRevision,
  rollout: ClassRollout,
  failed: TestFinding & { kind: 'failed' },
  onFailure: 'Rollback' | 'Freeze' | 'Continue',
): Permission {
  const { reason, message } = failed;
  switch (onFailure) {
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
function settle(
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

/** What is remembered of a class under the present criteria, or a beginning. */
export function classRollout(scope: Scope, revision: string, className: string): ClassRollout {
  const known = scope.memory.get(revision)?.state?.classes[className];
  if (known?.criteriaHash === scope.criteriaHash) return known;
  return { criteriaHash: scope.criteriaHash, look: 1, step: 0, stepTime: timeOf(scope) };
}

export function rememberRollout(scope: Scope, revision: string, className: string, rollout: ClassRollout): void {
  const memory = scope.memory.get(revision) ?? { rejections: [] };
  const state = memory.state ?? startRollout(timeOf(scope));
  memory.state = { ...state, classes: { ...state.classes, [className]: rollout } };
  scope.memory.set(revision, memory);
}

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
