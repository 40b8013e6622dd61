import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StatusError } from '../../../standalone/http/status-error.ts';
import { readSelection } from '../../../standalone/registry/selection.ts';
import { compileKind } from '../../../standalone/schema/compile-kind.ts';

const kind = compileKind({
  group: 'test.jouleops.dev',
  version: 'v1',
  kind: 'Thing',
  plural: 'things',
  singular: 'thing',
  shortNames: [],
  categories: [],
  namespaced: true,
  schema: { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } } },
  statusSubresource: false,
  generation: true,
  printerColumns: [],
  selectableFields: ['.spec.size'],
});
const select = (query: Record<string, string>) => readSelection(kind, new URLSearchParams(query));
const thing = (labels: Record<string, string>, size = 1) => ({ metadata: { name: 'a', namespace: 'n', labels }, spec: { size } });

describe('a label selector', () => {
  const labels = { site: 'hall-1', tier: '' };
  it.each([
    ['', true],
    ['site=hall-1', true],
    ['site==hall-1', true],
    ['site=hall-2', false],
    ['site!=hall-1', false],
    ['site!=hall-2', true],
    ['other!=x', true],
    ['tier=', true],
    ['site', true],
    ['!site', false],
    ['!other', true],
    ['site in (hall-1,hall-2)', true],
    ['site in (hall-2)', false],
    ['site notin (hall-2)', true],
    ['other notin (x)', true],
    ['site in (hall-1), tier', true],
    ['site in (hall-1),tier=x', false],
    ['constructor', false],
  ])('"%s" matches: %s', (labelSelector, matches) => {
    expect(select({ labelSelector }).matches(thing(labels))).toBe(matches);
  });

  it.each(['a===b', 'a in b', 'a b', '=b', 'a in (b', 'a=b c', '-a=b'])('is refused: "%s"', (labelSelector) => {
    expect(() => select({ labelSelector })).toThrow(StatusError);
  });

  it('and its opposite never agree', () => {
    const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    fc.assert(
      fc.property(word, word, fc.dictionary(word, word, { maxKeys: 4 }), (key, value, given) => {
        const one = select({ labelSelector: `${key} in (${value})` }).matches(thing(given));
        const other = select({ labelSelector: `${key} notin (${value})` }).matches(thing(given));
        expect(one).toBe(!other);
        expect(one).toBe(given[key] === value);
      }),
    );
  });
});

describe('a field selector', () => {
  it('selects by name, namespace and the fields that a kind offers', () => {
    expect(select({ fieldSelector: 'metadata.name=a,metadata.namespace=n' }).matches(thing({}))).toBe(true);
    expect(select({ fieldSelector: 'spec.size=2' }).matches(thing({}, 2))).toBe(true);
    expect(select({ fieldSelector: 'spec.size!=2' }).matches(thing({}, 2))).toBe(false);
  });

  it('knows the one name that it asks for', () => {
    expect(select({ fieldSelector: 'metadata.name=a' }).name).toBe('a');
    expect(select({ fieldSelector: 'metadata.name!=a' }).name).toBeUndefined();
    expect(select({}).everything).toBe(true);
  });

  it.each(['spec.other=1', 'metadata.uid=x', 'nonsense'])('is refused: "%s"', (fieldSelector) => {
    expect(() => select({ fieldSelector })).toThrow(StatusError);
  });
});
