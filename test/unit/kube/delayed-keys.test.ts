import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DelayedKeys } from '../../../kube/runtime/delayed-keys.ts';

test('keys come out in the order of their earliest times, each once', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.nat(1000)), { maxLength: 100 }), (puts) => {
      const delayed = new DelayedKeys();
      const earliest = new Map<string, number>();
      for (const [key, dueAt] of puts) {
        delayed.put(`${key}`, dueAt);
        earliest.set(`${key}`, Math.min(dueAt, earliest.get(`${key}`) ?? Number.POSITIVE_INFINITY));
      }
      expect(delayed.size).toBe(earliest.size);
      const times: number[] = [];
      for (let at = delayed.nextAt(); at !== undefined; at = delayed.nextAt()) {
        expect(delayed.takeDue(at - 1)).toBeUndefined();
        const key = delayed.takeDue(at) ?? '';
        expect(earliest.get(key)).toBe(at);
        earliest.delete(key);
        times.push(at);
      }
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect([earliest.size, delayed.size]).toEqual([0, 0]);
    }),
  );
});

test('put says when a key became the first of all', () => {
  const delayed = new DelayedKeys();
  expect([delayed.put('a', 10), delayed.put('b', 20), delayed.put('b', 5), delayed.put('a', 12)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
});
