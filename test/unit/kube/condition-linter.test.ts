import { describe, expect, it } from 'vitest';
import { lintStatus } from '../../support/condition-linter.ts';

const ready = {
  type: 'Ready',
  status: 'True',
  reason: 'Succeeded',
  message: '2 of 2 devices serve it',
  lastTransitionTime: '2026-01-01T00:00:00Z',
  observedGeneration: 2,
};

function lint(conditions: object[], { kind = 'ModelDeployment', observedGeneration = 2 as unknown } = {}): string[] {
  return lintStatus({ kind, metadata: { name: 'a', generation: 2 }, status: { observedGeneration, conditions } });
}

describe('the linter of conditions', () => {
  it('has nothing to say of a status that keeps the rules, nor of an object without one', () => {
    expect(lint([ready, { ...ready, type: 'Placed', status: 'Unknown' }])).toEqual([]);
    expect(lintStatus({ kind: 'ModelDeployment', metadata: { name: 'a', generation: 1 } })).toEqual([]);
  });

  it('accepts what was said of the generation before, while the new one waits', () => {
    expect(lint([{ ...ready, observedGeneration: 1 }], { observedGeneration: 1 })).toEqual([]);
  });

  it.each([
    ['a status that nobody knows', { status: 'true' }, 'Ready has the status "true"'],
    ['an empty reason', { reason: '' }, 'Ready has the reason "", which is not CamelCase'],
    ['a reason in words', { reason: 'no device' }, 'Ready has the reason "no device", which is not CamelCase'],
    ['a reason that is too long', { reason: 'A'.repeat(1025) }, 'Ready has a reason of 1025 characters'],
    ['a message that is missing', { message: undefined }, 'Ready has no message'],
    ['a message that is too long', { message: 'a'.repeat(32769) }, 'Ready has a message of 32769 characters'],
    [
      'a time that is missing',
      { lastTransitionTime: undefined },
      'Ready has the lastTransitionTime undefined, which is not RFC 3339',
    ],
    [
      'a day that does not exist',
      { lastTransitionTime: '2026-13-01T00:00:00Z' },
      'Ready has the lastTransitionTime "2026-13-01T00:00:00Z", which is not RFC 3339',
    ],
  ])('names %s', (_, change, finding) => {
    expect(lint([{ ...ready, ...change }])).toEqual([finding]);
  });

  it('names a generation that does not exist yet', () => {
    expect(lint([{ ...ready, observedGeneration: 3 }], { observedGeneration: 3 })).toEqual([
      'status has the observedGeneration 3, the object the generation 2',
      'Ready has the observedGeneration 3, the object the generation 2',
    ]);
  });

  it('names a Ready of another generation than the status, and one of none', () => {
    expect(lint([{ ...ready, observedGeneration: 1 }])).toEqual(['Ready is True for the generation 1, the status is of 2']);
    expect(lint([{ ...ready, observedGeneration: undefined }])).toEqual(['Ready is True and does not say for which generation']);
  });

  it('names a type that is there twice', () => {
    expect(lint([ready, ready])).toEqual(['Ready is there more than once']);
  });

  it('names summaries that contradict each other', () => {
    const [reconciling, stalled] = ['Reconciling', 'Stalled'].map((type) => ({ ...ready, type }));
    expect(lint([ready, { ...reconciling }])).toEqual(['Ready and Reconciling are both True']);
    expect(lint([ready, { ...stalled }])).toEqual(['Ready and Stalled are both True']);
    expect(lint([{ ...ready, status: 'False' }, { ...reconciling }, { ...stalled }])).toEqual([
      'Reconciling and Stalled are both True',
    ]);
    expect(lint([ready, { ...reconciling, status: 'False' }])).toEqual([]);
  });

  it('misses Ready, except where only the agent has spoken yet', () => {
    const missing = ['there are conditions, and Ready is not among them'];
    expect(lint([{ ...ready, type: 'Placed' }])).toEqual(missing);
    expect(lint([{ ...ready, type: 'Serving' }], { kind: 'ModelInstance' })).toEqual([]);
    expect(lint([{ ...ready, type: 'PowerMeasured' }], { kind: 'EdgeDevice' })).toEqual([]);
    expect(lint([{ ...ready, type: 'DeviceReachable' }], { kind: 'ModelInstance' })).toEqual(missing);
  });
});
