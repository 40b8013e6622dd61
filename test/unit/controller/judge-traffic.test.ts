import { describe, expect, it } from 'vitest';
import { judgeLiveTraffic, judgeLoop } from '../../../controller/model-deployment/canary/judge-traffic.ts';
import type { ModelDeployment } from '../../../crds/model-deployment.ts';
import type { EnergyTestStatus } from '../../../crds/model-instance.ts';

type Analysis = NonNullable<NonNullable<ModelDeployment['spec']['rollout']>['analysis']>;

const order = { id: 't', windowSeconds: 300, minimumInferences: 200 };

function deploymentWith(analysis: Analysis, p95LatencyMilliseconds?: number): ModelDeployment {
  return {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name: 'states', namespace: 'factory' },
    spec: {
      modelVersionName: 'states-2',
      placement: {},
      budget: {},
      rollout: { analysis },
      ...(p95LatencyMilliseconds === undefined ? {} : { requirements: { p95LatencyMilliseconds } }),
    },
  };
}

/** A test of 200 requests without a fault, and what differs. */
function seen(more: Partial<EnergyTestStatus> = {}): EnergyTestStatus {
  const { inferences = 200, errors = 0 } = more;
  return {
    id: 't',
    kind: 'Traffic',
    state: 'Completed',
    windows: 200,
    windowsDone: inferences + errors,
    inferences,
    errors,
    ...more,
  };
}

const activeUpTo = (p95UpperMicroseconds: number) => ({ inferences: 1800, errors: 0, p95UpperMicroseconds });

interface Case {
  because: string;
  test: EnergyTestStatus | undefined;
  analysis?: Analysis;
  limit?: number;
  finding: string;
}

describe('live traffic', () => {
  it.each<Case>([
    { because: 'nothing was reported', test: undefined, finding: 'running' },
    { because: 'it runs', test: seen({ state: 'Running', inferences: 30 }), finding: 'running' },
    { because: 'all is well', test: seen(), finding: 'successful Succeeded' },
    {
      because: 'it was given up',
      test: seen({ state: 'Aborted', reason: 'Stopped', inferences: 3 }),
      finding: 'aborted Stopped',
    },
    { because: 'ten in a thousand failed', test: seen({ inferences: 198, errors: 2 }), finding: 'successful Succeeded' },
    { because: 'more failed', test: seen({ inferences: 197, errors: 3 }), finding: 'failed ErrorsExceeded' },
    {
      because: 'two of few failed, for which the rest could make up',
      test: seen({ state: 'Running', inferences: 8, errors: 2 }),
      finding: 'running',
    },
    {
      because: 'three of few failed, for which the rest could not make up',
      test: seen({ state: 'Running', inferences: 7, errors: 3 }),
      finding: 'failed ErrorsExceeded',
    },
    {
      because: 'one failed where none may',
      test: seen({ inferences: 199, errors: 1 }),
      analysis: { maximumErrorPermille: 0 },
      finding: 'failed ErrorsExceeded',
    },
    {
      because: 'p95 is slower by just what is allowed',
      test: seen({ p95LowerMicroseconds: 6000, active: activeUpTo(5000) }),
      finding: 'successful Succeeded',
    },
    {
      because: 'p95 is slower by more than is allowed',
      test: seen({ p95LowerMicroseconds: 6001, active: activeUpTo(5000) }),
      finding: 'failed LatencyExceeded',
    },
    {
      because: 'p95 is slower, of too few requests to say so',
      test: seen({ state: 'Running', inferences: 30, p95LowerMicroseconds: 9000, active: activeUpTo(5000) }),
      finding: 'running',
    },
    {
      because: 'the active model answered too little to be compared with',
      test: seen({ p95LowerMicroseconds: 9000, active: { inferences: 3, errors: 0 } }),
      finding: 'successful Succeeded',
    },
    {
      because: 'p95 may lie below the limit',
      test: seen({ p95LatencyMicroseconds: 11_000, p95LowerMicroseconds: 9000 }),
      limit: 10,
      finding: 'successful Succeeded',
    },
    {
      because: 'p95 lies above the limit',
      test: seen({ p95LatencyMicroseconds: 12_000, p95LowerMicroseconds: 10_001 }),
      limit: 10,
      finding: 'failed LatencyExceeded',
    },
    {
      because: 'too few came, and the loop can tell',
      test: seen({ state: 'Waiting', inferences: 30 }),
      finding: 'successful Succeeded',
    },
    {
      because: 'too few came, and only they can tell the agreement',
      test: seen({ state: 'Waiting', inferences: 30, compared: 30, agreementPermille: 1000 }),
      analysis: { minimumAgreementPermille: 900 },
      finding: 'running',
    },
    {
      because: 'no answers were compared',
      test: seen(),
      analysis: { minimumAgreementPermille: 900 },
      finding: 'running',
    },
    {
      because: 'just enough answers agree',
      test: seen({ compared: 200, agreementPermille: 900 }),
      analysis: { minimumAgreementPermille: 900 },
      finding: 'successful Succeeded',
    },
    {
      because: 'too few answers agree',
      test: seen({ compared: 200, agreementPermille: 899 }),
      analysis: { minimumAgreementPermille: 900 },
      finding: 'failed AgreementTooLow',
    },
  ])('$finding, because $because', ({ test, analysis = {}, limit, finding }) => {
    const found = judgeLiveTraffic(deploymentWith(analysis, limit), 'pi-1', order, test);
    expect('reason' in found ? `${found.kind} ${found.reason}` : found.kind).toBe(finding);
    expect(found.message).toMatch(/^pi-1: /);
  });
});

describe('the energy loop', () => {
  it.each<Pick<Case, 'because' | 'test' | 'limit'> & { finding: string | undefined }>([
    { because: 'all is well', test: seen({ kind: 'Paired' }), finding: undefined },
    { because: 'few failed, and no more will come', test: seen({ inferences: 9, errors: 1 }), finding: 'ErrorsExceeded' },
    {
      because: 'it is slower than the active model',
      test: seen({ p95LowerMicroseconds: 6001, active: activeUpTo(5000) }),
      finding: 'LatencyExceeded',
    },
    { because: 'it is above its limit', test: seen({ p95LatencyMicroseconds: 10_001 }), limit: 10, finding: 'LatencyExceeded' },
  ])('$finding, because $because', ({ test, limit, finding }) => {
    const found = judgeLoop(deploymentWith({}, limit), 'pi-1', test ?? seen());
    expect(found?.kind === 'failed' ? found.reason : undefined).toBe(finding);
  });
});
