// What the tests on one device say of a candidate: endpoints in fixed order, load, golden set, errors, p95, energy (delivery.md). Pure.
import type { ModelDeployment } from '../../../crds/model-deployment.ts';
import type { EnergyTestOrder, EnergyTestStatus, TrafficTestOrder } from '../../../crds/model-instance.ts';
import type { BudgetQuestion } from '../../estimate/budget-question.ts';
import { type Member, revisionStatus } from '../scope.ts';
import type { TestFinding } from './finding.ts';
import { judgeEnergy } from './judge-energy.ts';
import { judgeLoad } from './judge-load.ts';
import { judgeLiveTraffic, judgeLoop } from './judge-traffic.ts';

/** Before any energy is spent on the loop: undefined when the device may go on to it. */
export function judgeBeforeLoop(
  deployment: ModelDeployment,
  member: Member,
  revision: string,
  order: TrafficTestOrder | undefined,
): TestFinding | undefined {
  const loaded = judgeLoad(member, revision);
  if (loaded || !order) return loaded;
  const device = member.instance.spec.deviceName;
  const phase = revisionStatus(member, revision)?.phase;
  const test = testOf(member, order);
  if (!test && phase !== 'Serving') return { kind: 'running', message: describeWait(device, member, revision) };
  const finding = judgeLiveTraffic(deployment, device, order, test);
  return finding.kind === 'successful' ? undefined : finding;
}

export function judgeEnergyLoop(
  deployment: ModelDeployment,
  budget: BudgetQuestion,
  member: Member,
  revision: string,
  order: EnergyTestOrder,
): TestFinding {
  const device = member.instance.spec.deviceName;
  const test = testOf(member, order);
  if (test?.state === 'Aborted' && test.reason === 'TooFewWindows')
    return { kind: 'undecided', reason: 'BudgetUncertain', message: `${device}: ${test.message ?? test.reason}`, final: true };
  if (test?.state === 'Aborted')
    return {
      kind: 'aborted',
      reason: test.reason ?? 'Inconclusive',
      message: `${device}: the test was aborted: ${test.message ?? test.reason ?? 'no cause given'}`,
    };
  if (test?.state !== 'Completed' || test.windowsDone < order.windows)
    return { kind: 'running', message: describeProgress(device, order, test, member, revision) };
  return judgeLoop(deployment, device, test) ?? judgeEnergy(deployment, budget, device, test);
}

function testOf(member: Member, order: { id: string }): EnergyTestStatus | undefined {
  return member.instance.status?.tests?.find((candidate) => candidate.id === order.id);
}

function describeProgress(
  device: string,
  order: EnergyTestOrder,
  test: EnergyTestStatus | undefined,
  member: Member,
  revision: string,
): string {
  if (!test) return describeWait(device, member, revision);
  const waiting = test.state === 'Waiting' && test.message !== undefined ? `, waiting: ${test.message}` : '';
  return `${device}: energy test, ${test.windowsDone} of ${order.windows} ${order.kind === 'Paired' ? 'quads' : 'windows'}${waiting}`;
}

function describeWait(device: string, member: Member, revision: string): string {
  const status = revisionStatus(member, revision);
  if (status === undefined || status.phase === 'Serving') return `${device}: the test has not begun`;
  const why = status.message === undefined ? '' : ` (${status.message})`;
  return `${device}: the candidate is ${status.phase.toLowerCase()}${why}`;
}
