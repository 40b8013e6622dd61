import { expect, test } from 'vitest';
import type { Condition } from '../../../kube/api/objects.ts';
import { findCondition, isFalse, isTrue, removeCondition, setCondition } from '../../../kube/meta/conditions.ts';

const [first, second] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];
const ready = { type: 'Ready', status: 'True', reason: 'Serving', message: 'serves', observedGeneration: 1 } as const;

test('a new condition is added at the end with the time of now', () => {
  const placed = setCondition([], { ...ready, type: 'Placed' }, first);
  expect(setCondition(placed, ready, second).map(({ type, lastTransitionTime }) => [type, lastTransitionTime])).toEqual([
    ['Placed', first],
    ['Ready', second],
  ]);
});

test('the same world twice is the same array: nothing to write', () => {
  const once = setCondition([], ready, first);
  expect(setCondition(once, ready, second)).toBe(once);
});

test.each([
  ['status', { status: 'False' }, second],
  ['reason', { reason: 'Other' }, first],
  ['message', { message: 'other' }, first],
  ['observedGeneration', { observedGeneration: 2 }, first],
] as const)('a change of %s: lastTransitionTime moves with status alone', (_, change, time) => {
  const before = setCondition([], ready, first);
  const after = setCondition(before, { ...ready, ...change }, second);
  expect(after).toEqual([{ ...ready, ...change, lastTransitionTime: time }]);
  expect(before).toEqual([{ ...ready, lastTransitionTime: first }]); // not touched
});

test('others keep their place and identity', () => {
  const conditions = ['A', 'Ready', 'B'].reduce<Condition[]>((all, type) => setCondition(all, { ...ready, type }, first), []);
  const after = setCondition(conditions, { ...ready, status: 'False' }, second);
  expect(after.map(({ type }) => type)).toEqual(['A', 'Ready', 'B']);
  expect(after[0]).toBe(conditions[0]);
});

test('times lose their fraction, as the server would cut it', () => {
  expect(setCondition([], ready, '2026-01-01T00:00:00.123Z')[0]?.lastTransitionTime).toBe(first);
});

test('long messages are cut, and the cut message is stable', () => {
  const long = { ...ready, message: `${'x'.repeat(1022)}😀😀` };
  const once = setCondition([], long, first);
  expect(once[0]?.message).toHaveLength(1024);
  expect(once[0]?.message.isWellFormed()).toBe(true);
  expect(setCondition(once, long, second)).toBe(once);
});

test('removes, finds and asks', () => {
  const conditions = setCondition([], ready, first);
  expect(removeCondition(conditions, 'Ready')).toEqual([]);
  expect(removeCondition(conditions, 'Stalled')).toBe(conditions);
  expect([
    isTrue(conditions, 'Ready'),
    isFalse(conditions, 'Ready'),
    isTrue(conditions, 'Placed'),
    isFalse(undefined, 'x'),
  ]).toEqual([true, false, false, false]);
  expect(findCondition(conditions, 'Ready')?.reason).toBe('Serving');
});
