import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonPatchError, jsonPatch } from '../../../standalone/apply/json-patch.ts';
import { mergePatch } from '../../../standalone/apply/merge-patch.ts';
import type { JsonValue } from '../../../standalone/schema/json.ts';

describe('merge patch', () => {
  // The examples of RFC 7386, appendix A.
  const examples: [JsonValue, JsonValue, JsonValue][] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  it.each(examples)('%j patched with %j is %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });

  it('keeps keys that JavaScript reserves as data', () => {
    const patched = mergePatch({}, JSON.parse('{"__proto__":{"a":1}}'));
    expect(JSON.stringify(patched)).toBe('{"__proto__":{"a":1}}');
    expect(({} as Record<string, unknown>)['a']).toBeUndefined();
  });
});

describe('JSON patch', () => {
  it('copies three mebibytes at most: copies of copies would double with every operation', () => {
    const copies = (count: number) => Array.from({ length: count }, () => ({ op: 'copy', from: '/l', path: '/l/-' }));
    const target = { l: ['x'.repeat(1000)] };
    expect(JSON.stringify(jsonPatch(target, copies(11))).length).toBeGreaterThan(2_000_000);
    expect(() => jsonPatch(target, copies(14))).toThrow(/accumulated size increase of copy is \d+, exceeding the limit 3145728/);
  });

  const cases: [string, JsonValue, JsonValue[], JsonValue][] = [
    ['adds a member', { a: 1 }, [{ op: 'add', path: '/b', value: 2 }], { a: 1, b: 2 }],
    ['adds into a list', { l: [1, 3] }, [{ op: 'add', path: '/l/1', value: 2 }], { l: [1, 2, 3] }],
    ['appends to a list', { l: [1] }, [{ op: 'add', path: '/l/-', value: 2 }], { l: [1, 2] }],
    ['replaces the whole', { a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
    ['replaces an item', { l: [1, 2] }, [{ op: 'replace', path: '/l/1', value: 9 }], { l: [1, 9] }],
    ['removes', { a: 1, b: 2 }, [{ op: 'remove', path: '/a' }], { b: 2 }],
    ['removes the last item by a negative index', { l: [1, 2] }, [{ op: 'remove', path: '/l/-1' }], { l: [1] }],
    ['moves', { a: { x: 1 }, b: {} }, [{ op: 'move', from: '/a/x', path: '/b/y' }], { a: {}, b: { y: 1 } }],
    [
      'copies',
      { a: [1] },
      [
        { op: 'copy', from: '/a', path: '/b' },
        { op: 'add', path: '/a/-', value: 2 },
      ],
      { a: [1, 2], b: [1] },
    ],
    ['tests deeply', { a: { b: [1] } }, [{ op: 'test', path: '/a', value: { b: [1] } }], { a: { b: [1] } }],
    ['tests that something is missing', {}, [{ op: 'test', path: '/a', value: null }], {}],
    [
      'reads escapes',
      { 'a/b': 1, 'c~d': 2 },
      [
        { op: 'remove', path: '/a~1b' },
        { op: 'replace', path: '/c~0d', value: 3 },
      ],
      { 'c~d': 3 },
    ],
  ];
  it.each(cases)('%s', (_, target, patch, result) => {
    const before = JSON.stringify(target);
    expect(jsonPatch(target, patch)).toEqual(result);
    expect(JSON.stringify(target)).toBe(before);
  });

  const refused: [string, unknown, number, RegExp][] = [
    ['not a list', {}, 400, /list of operations/],
    ['not an operation', ['add'], 400, /must be an object/],
    ['no path', [{ op: 'add', value: 1 }], 422, /no "path"/],
    ['an unknown operation', [{ op: 'frob', path: '/a' }], 422, /frob/],
    ['a missing parent', [{ op: 'add', path: '/x/y', value: 1 }], 422, /missing path: \/x/],
    ['a missing member', [{ op: 'remove', path: '/x' }], 422, /\/x/],
    ['an index outside', [{ op: 'add', path: '/l/5', value: 1 }], 422, /\/l\/5/],
    ['a bad index', [{ op: 'replace', path: '/l/one', value: 1 }], 422, /one/],
    ['a failed test', [{ op: 'test', path: '/a', value: 2 }], 422, /testing value \/a failed/],
    ['a move into itself', [{ op: 'move', from: '/o', path: '/o/p' }], 422, /into itself/],
    ['a pointer without a slash', [{ op: 'remove', path: 'a' }], 422, /begin with/],
    ['too many operations', Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/a', value: 1 })), 413, /10000/],
  ];
  it.each(refused)('refuses %s', (_, patch, status, message) => {
    const attempt = () => jsonPatch({ a: 1, l: [1], o: {} }, patch);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(expect.objectContaining({ name: JsonPatchError.name, status }));
  });

  it('undoes what it did', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer(), { noNullPrototype: true }),
        fc.integer(),
        (target, value) => {
          const added = jsonPatch(target, [{ op: 'add', path: '/new', value }]);
          expect(jsonPatch(added, [{ op: 'remove', path: '/new' }])).toEqual(target);
        },
      ),
    );
  });
});
