import { describe, expect, it } from 'vitest';
import { describeInstance, isAwaited, isOvertaken } from '../../../controller/model-instance-conditions.ts';
import type { EdgeDevice } from '../../../crds/edge-device.ts';
import type { ModelInstance, RevisionStatus, Slot } from '../../../crds/model-instance.ts';
import type { Stored } from '../../../kube/api/objects.ts';

const now = '2026-01-01T00:00:00.000Z';
const condition = { type: 'Ready', status: 'True', reason: 'AgentReady', message: '', lastTransitionTime: now } as const;
const device: EdgeDevice = {
  apiVersion: 'jouleops.dev/v1alpha1',
  kind: 'EdgeDevice',
  metadata: { name: 'board' },
  spec: {},
  status: { conditions: [condition] },
};
const slot: Slot = {
  revision: 'a-1',
  modelVersionName: 'a',
  modelVersion: '1.0.0',
  variant: 'fp32',
  digest: `sha256:${'0'.repeat(64)}`,
  size: 1,
};

function instance(slots: { active?: Slot; candidate?: Slot }, revisions: RevisionStatus[]): Stored<ModelInstance> {
  return {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelInstance',
    metadata: { name: 'a-board', namespace: 'n', uid: 'u', resourceVersion: '1', creationTimestamp: now, generation: 2 },
    spec: { deviceName: 'board', deploymentName: 'a', deploymentUid: 'd', ...slots },
    status: { revisions },
  };
}

describe('an instance is Ready', () => {
  it.each<[string, Stored<ModelInstance>, 'True' | 'False', string]>([
    [
      'when its agent serves the active revision',
      instance({ active: slot }, [{ revision: 'a-1', slot: 'Active', phase: 'Serving' }]),
      'True',
      'answers requests',
    ],
    [
      'not while the agent still holds it as a candidate',
      instance({ active: slot }, [{ revision: 'a-1', slot: 'Candidate', phase: 'Serving' }]),
      'False',
      'being promoted',
    ],
    [
      'not while it is tested',
      instance({ candidate: slot }, [{ revision: 'a-1', slot: 'Candidate', phase: 'Serving' }]),
      'False',
      'tested first',
    ],
    [
      'not while it loads',
      instance({ active: slot }, [{ revision: 'a-1', slot: 'Active', phase: 'Loading' }]),
      'False',
      'loading',
    ],
    ['not before the agent has said anything', instance({ active: slot }, []), 'False', 'pending'],
  ])('%s', (_name, given, status, message) => {
    const ready = describeInstance(given, device, now).find(({ type }) => type === 'Ready');
    expect(ready).toMatchObject({ status, message: expect.stringContaining(message) });
  });
});

describe('nothing is written before the agent has spoken of the present generation', () => {
  const silent: EdgeDevice = {
    ...device,
    status: { conditions: [{ ...condition, status: 'Unknown', reason: 'AgentUnreachable' }] },
  };
  const said = (observedGeneration: number, reached?: 'True' | 'Unknown'): Stored<ModelInstance> => {
    const made = instance({ active: slot }, []);
    const conditions = reached ? [{ ...condition, type: 'DeviceReachable', status: reached }] : [];
    return { ...made, status: { ...made.status, observedGeneration, conditions } };
  };
  it.each<[string, Stored<ModelInstance>, EdgeDevice | undefined, boolean]>([
    ['of a new instance', said(0), device, true],
    ['of another slot', said(1, 'True'), device, true],
    ['but when it has', said(2, 'True'), device, false],
    ['but when its device is lost', said(1, 'True'), silent, false],
    ['but when its device is back', said(1, 'Unknown'), device, false],
    ['but when its device was never there', said(0), undefined, false],
  ])('%s', (_, awaiting, on, expected) => {
    expect(isAwaited(awaiting, describeInstance(awaiting, on, now))).toBe(expected);
  });
});

describe('a write that the deployment’s decision on a candidate would contain waits for it', () => {
  const old: Slot = { ...slot, revision: 'a-0' };
  const serving: RevisionStatus = { revision: 'a-0', slot: 'Active', phase: 'Serving' };
  const candidate: RevisionStatus = { revision: 'a-1', slot: 'Candidate', phase: 'Serving' };
  /** As it was described at generation 1; by now it is generation 2. */
  const described = (slots: { active?: Slot; candidate?: Slot }, revisions: RevisionStatus[]): Stored<ModelInstance> => {
    const made = instance(slots, revisions);
    const before = { ...made, metadata: { ...made.metadata, generation: 1 } };
    return { ...made, status: { revisions, observedGeneration: 2, conditions: describeInstance(before, device, now) } };
  };
  it.each<[string, Stored<ModelInstance>, EdgeDevice | undefined, boolean]>([
    ['when only the generation is another', described({ active: old, candidate: slot }, [serving, candidate]), device, true],
    ['but not without a candidate', described({ active: old }, [serving]), device, false],
    ['but not when the device is gone', described({ active: old, candidate: slot }, [serving, candidate]), undefined, false],
    ['but not before anything was said', instance({ active: old, candidate: slot }, [serving, candidate]), device, false],
  ])('%s', (_, given, on, expected) => {
    expect(isOvertaken(given, describeInstance(given, on, now))).toBe(expected);
  });
});
