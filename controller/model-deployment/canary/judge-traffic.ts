// Errors, p95 and agreement: of live requests, and of the loop where there is no other model or too little traffic. Pure.
import type { ModelDeployment } from '../../../crds/model-deployment.ts';
import type { EnergyTestStatus, TrafficTestOrder } from '../../../crds/model-instance.ts';
import { formatMilliseconds } from '../../../energy/units.ts';
import { counted } from '../../../kube/meta/counted.ts';
import type { TestFinding } from './finding.ts';

const defaultMaximumErrorPermille = 10;
const defaultMaximumIncreasePercent = 20;

/** Live requests, candidate beside active (delivery.md). Errors end it as soon as the rest of its requests could not make up for them. */
export function judgeLiveTraffic(
  deployment: ModelDeployment,
  device: string,
  order: TrafficTestOrder,
  test: EnergyTestStatus | undefined,
): TestFinding {
  if (!test) return { kind: 'running', message: `${device}: the traffic test has not begun` };
  const failed =
    judgeErrors(deployment, device, test, order.minimumInferences) ??
    (test.windowsDone >= order.minimumInferences
      ? (judgeIncrease(deployment, device, test) ?? judgeLimit(deployment, device, test))
      : undefined);
  if (failed) return failed;
  const shown = `${test.windowsDone} of ${order.minimumInferences} live requests`;
  const { minimumAgreementPermille: agreement } = deployment.spec.rollout?.analysis ?? {};
  switch (test.state) {
    case 'Aborted':
      return {
        kind: 'aborted',
        reason: test.reason ?? 'Inconclusive',
        message: `${device}: ${test.message ?? 'the traffic test ended early'}`,
      };
    case 'Running':
      return { kind: 'running', message: `${device}: traffic test, ${shown}` };
    case 'Waiting':
      // Its window is over, and too few have come.
      return agreement === undefined
        ? {
            kind: 'successful',
            reason: 'Succeeded',
            message: `${device}: ${shown} in ${order.windowSeconds} s, so errors and p95 are those of the energy loop`,
          }
        : { kind: 'running', message: `${device}: traffic test, ${shown}; minimumAgreementPermille waits for more` };
    case 'Completed':
      return (
        judgeAgreement(agreement, device, test) ?? {
          kind: 'successful',
          reason: 'Succeeded',
          message: `${device}: ${describe(test)}`,
        }
      );
  }
}

/** The loop's own inferences; beside another model their latency is compared with that one's. */
export function judgeLoop(deployment: ModelDeployment, device: string, test: EnergyTestStatus): TestFinding | undefined {
  return (
    judgeErrors(deployment, device, test, 0) ?? judgeIncrease(deployment, device, test) ?? judgeLimit(deployment, device, test)
  );
}

type Failure = TestFinding & { kind: 'failed' };

function judgeErrors({ spec }: ModelDeployment, device: string, test: EnergyTestStatus, least: number): Failure | undefined {
  const maximum = spec.rollout?.analysis?.maximumErrorPermille ?? defaultMaximumErrorPermille;
  const errors = test.errors ?? 0;
  const all = (test.inferences ?? 0) + errors;
  if (errors * 1000 <= maximum * Math.max(all, least)) return undefined;
  return {
    kind: 'failed',
    reason: 'ErrorsExceeded',
    message: `${device}: ${errors} of ${counted(all, 'inference')} failed > ${maximum} permille`,
  };
}

/** Slower than the active model only when the two intervals say so: two percentiles always differ. */
function judgeIncrease({ spec }: ModelDeployment, device: string, test: EnergyTestStatus): Failure | undefined {
  const allowed = spec.rollout?.analysis?.maximumLatencyIncreasePercent ?? defaultMaximumIncreasePercent;
  const [lower, upper] = [test.p95LowerMicroseconds, test.active?.p95UpperMicroseconds];
  if (lower === undefined || upper === undefined || lower <= upper * (1 + allowed / 100)) return undefined;
  return {
    kind: 'failed',
    reason: 'LatencyExceeded',
    message: `${device}: p95 at least ${milliseconds(lower)}, of the active model at most ${milliseconds(upper)}: more than ${allowed} % slower`,
  };
}

function judgeLimit({ spec }: ModelDeployment, device: string, test: EnergyTestStatus): Failure | undefined {
  const limit = spec.requirements?.p95LatencyMilliseconds;
  const p95 = test.p95LowerMicroseconds ?? test.p95LatencyMicroseconds;
  if (limit === undefined || p95 === undefined || p95 <= limit * 1000) return undefined;
  return {
    kind: 'failed',
    reason: 'LatencyExceeded',
    message: `${device}: p95 ${milliseconds(p95)} > p95LatencyMilliseconds ${limit}`,
  };
}

function judgeAgreement(minimum: number | undefined, device: string, test: EnergyTestStatus): TestFinding | undefined {
  const { agreementPermille, compared = 0 } = test;
  if (minimum === undefined) return undefined;
  if (agreementPermille === undefined) return { kind: 'running', message: `${device}: no answers have been compared yet` };
  if (agreementPermille >= minimum) return undefined;
  return {
    kind: 'failed',
    reason: 'AgreementTooLow',
    message: `${device}: ${agreementPermille} permille of ${compared} answers equal the active model's < minimumAgreementPermille ${minimum}`,
  };
}

function describe(test: EnergyTestStatus): string {
  const agreement = test.agreementPermille === undefined ? '' : `, ${test.agreementPermille} permille equal answers`;
  const p95 = test.p95LatencyMicroseconds === undefined ? '' : `, p95 ${milliseconds(test.p95LatencyMicroseconds)}`;
  return `${counted(test.inferences ?? 0, 'live request')}, ${counted(test.errors ?? 0, 'error')}${p95}${agreement}`;
}

function milliseconds(microseconds: number): string {
  return formatMilliseconds(microseconds / 1e6);
}
