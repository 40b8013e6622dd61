// What watches over rollouts in a storm must see what it watches for.
import { describe, expect, it } from 'vitest';
import { ServedModel } from '../../../agent/serving/served-model.ts';
import type { ModelDeployment, ModelDeploymentStatus } from '../../../crds/model-deployment.ts';
import type { Slot } from '../../../crds/model-instance.ts';
import type { Stored } from '../../../kube/api/objects.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';
import { judgeRoute, type Watch } from '../../support/rollout-chaos/fleet.ts';
import { judgeEnd } from '../../support/rollout-chaos/lane.ts';
import { classNames, type Release } from '../../support/rollout-chaos/releases.ts';

const [pi] = classNames;
const releases: Release[] = [
  { name: 'cell-1', flaw: {} },
  { name: 'cell-2', flaw: { [pi]: { errors: 100 } } },
];
const digest = `sha256:${'a'.repeat(64)}`;

function served(modelVersionName: string): ServedModel {
  const slot: Slot = { revision: `r-${modelVersionName}`, modelVersionName, modelVersion: '1', variant: 'fp32', digest, size: 1 };
  const model = {
    inputs: [],
    outputs: [],
    platform: '',
    executionProviders: [],
    runtimeVersion: '',
    loadMilliseconds: 0,
    ready: true,
    queueLength: 0,
    restarts: { count: 0 },
    residentBytes: async () => undefined,
    infer: () => Promise.reject(new Error('nobody asks')),
    close: async () => undefined,
  };
  const observer = { onInference: () => undefined };
  return new ServedModel({ namespace: 'n', deployment: 'd' }, slot, model, { clock: systemClock, observer });
}

describe('the watch over what devices serve', () => {
  const violationsOf = (active: string, bytes: string, candidate?: string): string[] => {
    const watch: Watch = { violations: [], refusedDownloads: 0, swaps: 0 };
    const route = {
      namespace: 'n',
      deployment: 'd',
      candidateSharePercent: 10,
      active: served(active),
      ...(candidate === undefined ? {} : { candidate: served(candidate) }),
    };
    judgeRoute({ name: 'device', className: pi }, route, () => bytes, { releases, watch });
    return watch.violations;
  };

  it.each([
    ['nothing in a good model, with one under test beside it', 'cell-1', digest, 'cell-2', []],
    ['a flawed model that serves', 'cell-2', digest, undefined, ['device serves cell-2, which its class must reject']],
    [
      'bytes that are not those of the digest',
      'cell-1',
      'sha256:b',
      undefined,
      [`device serves r-cell-1 from bytes sha256:b, not ${digest}`],
    ],
  ])('sees %s', (_, active, bytes, candidate, violations) => {
    expect(violationsOf(active, bytes, candidate)).toEqual(violations);
  });
});

describe('the judgement of how a rollout ended', () => {
  const end = (type: 'Ready' | 'Stalled', reason: string, rejected: readonly string[], outcome: string) => {
    const condition = { type, status: 'True' as const, reason, message: '', lastTransitionTime: '' };
    const status: ModelDeploymentStatus = {
      observedGeneration: 1,
      currentRevision: 'r',
      conditions: [condition],
      rejectedRevisions: rejected.map((deviceClassName) => ({
        revision: 'r',
        deviceClassName,
        criteriaHash: 'c',
        reason: 'x',
        message: 'm',
        time: '',
      })),
      history: [{ revision: 'r', modelVersionName: 'cell-2', outcome: outcome as 'Succeeded', startTime: '' }],
    };
    const deployment: Stored<ModelDeployment> = {
      apiVersion: 'jouleops.dev/v1alpha1',
      kind: 'ModelDeployment',
      metadata: { name: 'd', uid: 'u', resourceVersion: '1', generation: 1, creationTimestamp: '' },
      spec: { modelVersionName: 'cell-2', budget: {}, placement: {} },
      status,
    };
    return judgeEnd(deployment, { name: 'cell-2', flaw: {} }, rejected.length > 0 || reason === 'missed' ? [pi] : []);
  };

  it.each([
    ['Ready', 'Succeeded', [], 'Succeeded', 'as it must'],
    ['Stalled', 'RevisionRejected', [pi], 'Rejected', 'as it must'],
    ['Ready', 'missed', [], 'Succeeded', { wrong: 'Ready, though it must be rejected' }],
    ['Stalled', 'Inconclusive', [], 'Progressing', { wrong: 'stalled: Inconclusive: ' }],
    ['Ready', 'Succeeded', [], 'Superseded', { wrong: 'history says Superseded, not Succeeded' }],
    [
      'Stalled',
      'RevisionRejected',
      ['jetson-nano-simulated'],
      'Rejected',
      { wrong: 'rejected on jetson-nano-simulated, where it is good: m' },
    ],
  ] as const)('%s %s, rejected on %j, history %s', (type, reason, rejected, outcome, judged) => {
    expect(end(type, reason, rejected, outcome)).toEqual(judged);
  });
});
