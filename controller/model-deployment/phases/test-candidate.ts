// Gives the testers of a class their candidate and their orders, traffic before energy, and judges what they report.
import type { TrafficTestOrder } from '../../../crds/model-instance.ts';
import type { TestFinding } from '../canary/finding.ts';
import { judgeBeforeLoop, judgeEnergyLoop } from '../canary/judge-device.ts';
import { energyTestKind, hasMoreLooks, isSameTraffic, orderEnergyTest, orderTrafficTest } from '../canary/orders.ts';
import { rememberRollout, secondsToDeadline } from '../class-rollout.ts';
import type { TargetRevision } from '../revision.ts';
import type { ClassRollout } from '../revision-memory.ts';
import { type ClassGroup, isHeld, type Member, recheckAfter, type Scope, timeOf, withoutAbsent } from '../scope.ts';
import { targetSlot } from './target-slot.ts';
import { fail, type Permission, promotedByPerson, settle } from './verdict.ts';

/** A device that gave a test up gets it again after this long, until the progress deadline. */
const secondsBetweenAttempts = 60;

type Kind = ReturnType<typeof energyTestKind>;

export function testCandidate(
  scope: Scope,
  group: ClassGroup,
  target: TargetRevision,
  rollout: ClassRollout,
  members: readonly Member[],
): Permission {
  const testers = chooseTesters(scope.world.deployment.spec.rollout?.minimumDevices ?? 1, target.name, members);
  if (testers.length === 0)
    return { kind: 'testing', reason: 'AgentUnreachable', message: 'no device of the class answers: the test waits for one' };
  // When it began must be known later: a test that is given up is ordered again so long after.
  rememberRollout(scope, target.name, group.className, rollout);
  const kinds = testers.map((tester) => testerKind(scope, tester, target));
  const findings = testers.map((tester, index) => testOn(scope, group, target, rollout, tester, kinds[index] ?? 'Absolute'));
  const more = (kind: Kind) => hasMoreLooks(scope.world.deployment, kind, rollout.look);
  return conclude(scope, group, target, rollout, findings, kinds.some(more));
}

/** Those that test already, then those where it can be compared, then those that may change now, then by name. */
function chooseTesters(count: number, target: string, members: readonly Member[]): Member[] {
  const rank = ({ slots: { active, candidate }, ...member }: Member) => {
    if (candidate?.revision === target || active?.revision === target) return 0;
    return 1 + (isHeld(member) ? 2 : 0) + (active ? 0 : 1);
  };
  return members
    .filter((member) => member.reachable)
    .sort((a, b) => rank(a) - rank(b) || (a.instance.spec.deviceName < b.instance.spec.deviceName ? -1 : 1))
    .slice(0, count);
}

/** A test keeps its kind: what was ordered says it. */
function testerKind(scope: Scope, { slots }: Member, target: TargetRevision): Kind {
  return energyTestKind(scope.world.deployment, target.name, slots);
}

function testOn(
  scope: Scope,
  group: ClassGroup,
  target: TargetRevision,
  rollout: ClassRollout,
  tester: Member,
  kind: Kind,
): TestFinding {
  const { deployment } = scope.world;
  const device = tester.instance.spec.deviceName;
  const slot = targetSlot(scope, tester, target);
  if (!slot) return { kind: 'running', message: `${device}: no variant qualifies there` };
  const { active, previous, candidate } = tester.slots;
  const traffic = trafficOf(tester, orderTrafficTest(deployment, target.name, scope.criteriaHash, tester.slots, rollout));
  const before = judgeBeforeLoop(deployment, tester, target.name, traffic);
  const energy = before ? undefined : orderEnergyTest(deployment, target.name, scope.criteriaHash, kind, rollout);
  const { strategy, candidateSharePercent = 10 } = deployment.spec.rollout ?? {};
  const inPlace = strategy === 'Recreate' && active !== undefined;
  tester.slots = inPlace
    ? // Where two do not fit, the candidate takes the other's place, and goes back to it when it fails.
      withoutAbsent({
        active: slot,
        candidate: undefined,
        previous: active.revision === target.name ? previous : active,
        candidateSharePercent: undefined,
        strategy,
        energyTest: energy,
        trafficTest: undefined,
      })
    : withoutAbsent({
        active,
        candidate: candidate?.revision === target.name ? { ...slot, variant: candidate.variant } : slot,
        previous,
        // Where nothing serves yet there is nothing to share requests with.
        candidateSharePercent: active ? candidateSharePercent : undefined,
        strategy: undefined,
        energyTest: energy,
        trafficTest: traffic,
      });
  return (
    before ??
    judgeEnergyLoop(
      deployment,
      group.budget,
      tester,
      target.name,
      energy ?? orderEnergyTest(deployment, target.name, scope.criteriaHash, kind, rollout),
    )
  );
}

/** What live requests have said stays said when only the energy loop has to be run again. */
function trafficOf({ slots, instance }: Member, wanted: TrafficTestOrder | undefined): TrafficTestOrder | undefined {
  const given = slots.trafficTest;
  if (!given || !wanted || !isSameTraffic(given, wanted)) return wanted;
  const done = instance.status?.tests?.some(({ id, state }) => id === given.id && state === 'Completed');
  return done ? { ...wanted, id: given.id } : wanted;
}

function conclude(
  scope: Scope,
  group: ClassGroup,
  target: TargetRevision,
  rollout: ClassRollout,
  findings: readonly TestFinding[],
  moreLooks: boolean,
): Permission {
  const find = <K extends TestFinding['kind']>(kind: K) =>
    findings.find((finding): finding is TestFinding & { kind: K } => finding.kind === kind);
  const failed = find('failed');
  if (failed) return fail(scope, group, target, rollout, failed);
  const open = find('running') ?? find('aborted') ?? find('undecided');
  if (!open) {
    const first = find('successful');
    return settle(scope, group, target, rollout, {
      verdict: 'Successful',
      reason: first?.reason ?? 'Succeeded',
      message: first?.message ?? '',
    });
  }
  const passed = promotedByPerson(scope, group, target, rollout, open.message, 'testing');
  if (passed) return passed;
  return open.kind === 'undecided'
    ? lookAgain(scope, group, target, rollout, open, moreLooks && open.final !== true)
    : keepTesting(scope, group, target, rollout, open);
}

/** Until the progress deadline; then a person has to say. */
function keepTesting(
  scope: Scope,
  group: ClassGroup,
  target: TargetRevision,
  rollout: ClassRollout,
  open: TestFinding & { kind: 'running' | 'aborted' },
): Permission {
  const restSeconds = secondsToDeadline(scope, target.name, group.members);
  if (restSeconds <= 0 && !group.members.some(isHeld))
    return settle(scope, group, target, rollout, {
      verdict: 'Inconclusive',
      reason: 'Inconclusive',
      message: `no verdict before progressDeadlineSeconds: ${open.message}`,
    });
  if (restSeconds > 0 && restSeconds < 3600) recheckAfter(scope, restSeconds);
  if (open.kind === 'aborted') orderAgain(scope, group, target, rollout);
  scope.analyses.set(group.className, { verdict: 'Running', reason: 'Testing', message: open.message, look: rollout.look });
  return { kind: 'testing', reason: 'Testing', message: open.message };
}

function orderAgain(scope: Scope, group: ClassGroup, target: TargetRevision, rollout: ClassRollout): void {
  const waited = (scope.world.nowMilliseconds - Date.parse(rollout.attemptTime ?? rollout.stepTime)) / 1000;
  if (waited < secondsBetweenAttempts) {
    recheckAfter(scope, secondsBetweenAttempts - waited);
    return;
  }
  const attempt = (rollout.attempt ?? 0) + 1;
  rememberRollout(scope, target.name, group.className, { ...rollout, look: 1, attempt, attemptTime: timeOf(scope) });
  recheckAfter(scope, 1);
}

function lookAgain(
  scope: Scope,
  group: ClassGroup,
  target: TargetRevision,
  rollout: ClassRollout,
  { reason, message }: { reason: string; message: string },
  moreLooks: boolean,
): Permission {
  if (!moreLooks) return settle(scope, group, target, rollout, { verdict: 'Inconclusive', reason, message });
  const look = rollout.look + 1;
  rememberRollout(scope, target.name, group.className, { ...rollout, look, lookTime: timeOf(scope) });
  scope.analyses.set(group.className, { verdict: 'Running', reason, message, look });
  return { kind: 'testing', reason: 'Testing', message: `more windows are needed: ${message}` };
}
