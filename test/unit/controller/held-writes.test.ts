import { describe, expect, it } from 'vitest';
import { HeldWrites } from '../../../controller/held-writes.ts';
import { isProgress } from '../../../controller/model-deployment/status/progress.ts';
import type { ModelDeploymentStatus } from '../../../crds/model-deployment.ts';
import { FakeClock } from '../../support/fake-clock.ts';

describe('a write that is held back', () => {
  it('is due when its time is over, however often it is asked for meanwhile', async () => {
    const clock = new FakeClock();
    const held = new HeldWrites(clock, 2);
    expect(held.remaining('a')).toBe(2);
    await clock.advance(1500);
    expect(held.remaining('a')).toBe(0.5);
    expect(held.remaining('b')).toBe(2);
    await clock.advance(600);
    expect(held.remaining('a')).toBe(0);
  });

  it('waits anew once one was written', async () => {
    const clock = new FakeClock();
    const held = new HeldWrites(clock, 2);
    held.remaining('a');
    await clock.advance(5000);
    held.settle('a');
    expect(held.remaining('a')).toBe(2);
  });
});

describe('a change of a deployment’s status', () => {
  const time = '2026-01-01T00:00:00.000Z';
  const condition = {
    type: 'RolledOut',
    status: 'False',
    reason: 'Progressing',
    message: '1 of 9',
    lastTransitionTime: time,
  } as const;
  const status: ModelDeploymentStatus = {
    observedGeneration: 3,
    conditions: [condition],
    currentRevision: 'a-1',
    devices: { desired: 9, updated: 1, ready: 1, unreachable: 0 },
  };
  it.each<[string, ModelDeploymentStatus, boolean]>([
    [
      'is progress when counts and words move',
      {
        ...status,
        conditions: [{ ...condition, message: '2 of 9' }],
        devices: { desired: 9, updated: 2, ready: 2, unreachable: 0 },
      },
      true,
    ],
    [
      'is progress when numbers come',
      { ...status, energy: { budget: '12mJ', verdict: 'WithinBudget', deviceClassName: 'pi' } },
      true,
    ],
    ['is news when a condition turns', { ...status, conditions: [{ ...condition, status: 'True', reason: 'Succeeded' }] }, false],
    [
      'is news when a condition has another reason',
      { ...status, conditions: [{ ...condition, reason: 'AwaitingPromotion' }] },
      false,
    ],
    ['is news when a condition goes', { ...status, conditions: [] }, false],
    ['is news when it is of another generation', { ...status, observedGeneration: 4 }, false],
    ['is news when another revision is wanted', { ...status, currentRevision: 'a-2' }, false],
    ['is news when a command was carried out', { ...status, lastHandledCommand: 'promote=a-1/0' }, false],
    [
      'is news when a revision is rejected',
      {
        ...status,
        rejectedRevisions: [{ revision: 'a-0', deviceClassName: 'pi', criteriaHash: 'c', reason: 'r', message: 'm', time }],
      },
      false,
    ],
  ])('%s', (_, after, expected) => {
    expect(isProgress(status, after)).toBe(expected);
  });

  it('is news when it is the first', () => {
    expect(isProgress(undefined, status)).toBe(false);
  });
});
