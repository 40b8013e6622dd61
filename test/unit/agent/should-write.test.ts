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
    ['to another prefix of its unit, too soon', '900µJ', minutes(4), false],
    ['to another prefix and the same amount', '0.0312J', minutes(10), false],
    ['to another unit', '31.2mW', 0, true],
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

  const item = (name: string, more = {}) => ({ name, value: '1.00mJ', ...more });
  it.each<[string, unknown, unknown, number, boolean]>([
    ['a list in another order', { list: [item('a'), item('b')] }, { list: [item('b'), item('a')] }, 60, false],
    ['words in another order', { list: ['a', 'b'] }, { list: ['b', 'a'] }, 60, false],
    ['another item of a list', { list: [item('a'), item('b')] }, { list: [item('a'), item('c')] }, 0, true],
    [
      'another version of the runtime',
      { classKey: { runtimeVersion: '1.30' } },
      { classKey: { runtimeVersion: '1.31' } },
      0,
      true,
    ],
    ['another power mode', { classKey: { powerMode: '15W' } }, { classKey: { powerMode: '10W' } }, 0, true],
    ['a revision of digits', { revisions: [{ revision: '10000001' }] }, { revisions: [{ revision: '10000002' }] }, 0, true],
    ['a generation that was seen', { observedGeneration: 40 }, { observedGeneration: 41 }, 0, true],
    [
      'a condition of another reason',
      { conditions: [{ type: 'A', reason: 'X' }] },
      { conditions: [{ type: 'A', reason: 'Y' }] },
      0,
      true,
    ],
    [
      'a golden result of another time',
      { golden: { permille: 950, time: 'a' } },
      { golden: { permille: 950, time: 'b' } },
      60,
      false,
    ],
    [
      'an idle power that moved, at once',
      { idlePower: [{ boundary: 'Board', value: '3.00W' }] },
      { idlePower: [{ boundary: 'Board', value: '4.00W' }] },
      0,
      false,
    ],
    [
      'an idle power that moved, later',
      { idlePower: [{ boundary: 'Board', value: '3.00W' }] },
      { idlePower: [{ boundary: 'Board', value: '4.00W' }] },
      5,
      true,
    ],
    ['an energy that was lost', { energy: { value: '1.00mJ' } }, {}, 0, true],
  ])('after %s', (_, before, after, minutesLater, expected) => {
    expect(shouldWrite({ status: before, at: 0 }, after, minutes(minutesLater))).toBe(expected);
  });
});
