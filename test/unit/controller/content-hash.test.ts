import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentHash, sameContent } from '../../../controller/content-hash.ts';

const json = fc.jsonValue({ maxDepth: 3 });
/** Few values and keys, so that two of them are often equal, or nearly. */
const small = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<unknown[]>(0, 1, '', 'a', true, null, undefined),
    fc.array(tie('value'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('a', 'b'), tie('value'), { maxKeys: 2 }),
  ),
})).value;

describe('equality of content', () => {
  it('holds exactly where the hashes are the same', () => {
    fc.assert(
      fc.property(small, small, (a, b) => {
        expect(sameContent(a, b)).toBe(contentHash(a, 64) === contentHash(b, 64));
      }),
      { numRuns: 2000 },
    );
  });

  it('does not look at the order of keys, or at keys that are undefined', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json), (value) => {
        const turned = Object.fromEntries(Object.entries(value).toReversed());
        expect(sameContent({ ...value, absent: undefined }, turned)).toBe(
          !Object.hasOwn(value, 'absent') || value['absent'] === undefined,
        );
      }),
    );
  });

  it.each<[string, unknown, unknown]>([
    ['null as a value is not absence', { a: null }, {}],
    ['a list is not an object', [], {}],
    ['a list is not the one that is longer', [1], [1, null]],
    ['a number is not its text', { a: 1 }, { a: '1' }],
  ])('%s', (_, a, b) => {
    expect([sameContent(a, b), sameContent(b, a)]).toEqual([false, false]);
  });
});
