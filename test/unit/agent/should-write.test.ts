import { describe, expect, it } from 'vitest';
import { shouldWrite } from '../../../agent/status/should-write.ts';

const status = (more: Record<string, unknown> = {}) => ({
  phase: 'Serving',
  conditions: [{ type: 'Serving', status: 'True', reason: 'Succeeded', message: 'r1 answers', lastTransitionTime: 't0' }],
  revisions: [{ revision: 'r1', inferences: 100, energy: { value: '31.2mJ', time: 't0' } }],
  ...more,
});
const last = { status: status(), at: 0 };
const minutes = (count: number) => count * 60_000;

describe('whether a status is worth a write', () => {
  it('is when nothing was written yet', () => expect(shouldWrite(undefined, status(), 0)).toBe(true));

  it('is not when nothing changed, however long ago', () => expect(shouldWrite(last, status(), minutes(60))).toBe(false));

  it('is at once when a word changed', () => expect(shouldWrite(last, status({ phase: 'Failed' }), 1)).toBe(true));

  it('is at once when a part appears or goes', () => {
    expect(shouldWrite(last, status({ localRollback: { revision: 'r1' } }), 1)).toBe(true);
    expect(shouldWrite(last, status({ revisions: [] }), 1)).toBe(true);
  });

  it.each([
    ['within 5 %', '32.0mJ', minutes(10), false],
    ['more than 5 %, too soon', '35.0mJ', minutes(4), false],
    ['more than 5 %, five minutes on', '35.0mJ', minutes(5), true],
    ['another unit', '1.20J', 1, true],
  ])('for an energy that moved %s', (_, value, now, expected) => {
    expect(
      shouldWrite(last, status({ revisions: [{ revision: 'r1', inferences: 100, energy: { value, time: 't9' } }] }), now),
    ).toBe(expected);
  });

  it('is not for a message of other words until five minutes have passed, and never for other numbers in it or a time', () => {
    const saying = (message: string, lastTransitionTime = 't0') =>
      status({ conditions: [{ type: 'Serving', status: 'True', reason: 'Succeeded', message, lastTransitionTime }] });
    expect(shouldWrite(last, saying('r1 answers again'), minutes(4))).toBe(false);
    expect(shouldWrite(last, saying('r1 answers again'), minutes(5))).toBe(true);
    expect(shouldWrite(last, saying('r2 answers', 't1'), minutes(60))).toBe(false);
  });

  it('is for every step of a test', () => {
    const before = { status: status({ tests: [{ id: 't', windowsDone: 1, time: 'a' }] }), at: 0 };
    expect(shouldWrite(before, status({ tests: [{ id: 't', windowsDone: 2, time: 'b' }] }), 1)).toBe(true);
  });
});
