// Objects that break rules, one by one and together. Answers are recorded from a real API server (scripts/record-api-server.ts).
import type { JsonObject } from '../../../standalone/schema/json.ts';

/** Creates `object`; with `old`, creates that first and then replaces it. */
export interface ValidationCase {
  name: string;
  object: JsonObject;
  old?: JsonObject;
  subresource?: 'status';
  /** Sent instead of the object: JSON that no object can say, such as keys that come twice. */
  text?: string;
}

export interface RecordedCase extends ValidationCase {
  code: number;
  reason?: string;
  /** Of a 400: the whole message. */
  message?: string;
  /** `reason field: message`, sorted. */
  causes?: string[];
}

const valid = (spec: JsonObject = {}): JsonObject => ({ spec: { word: 'word', ...spec } });
const spec = (name: string, fields: JsonObject): ValidationCase => ({ name, object: valid(fields) });
const change = (name: string, old: JsonObject, next: JsonObject): ValidationCase => ({
  name,
  old: valid(old),
  object: valid(next),
});
const meta = (name: string, metadata: JsonObject): ValidationCase => ({ name, object: { ...valid(), metadata } });
const status = (name: string, before: JsonObject | undefined, next: JsonObject): ValidationCase => ({
  name,
  old: { ...valid(), ...(before === undefined ? {} : { status: before }) },
  object: { ...valid(), status: next },
  subresource: 'status',
});
const text = (name: string, json: string): ValidationCase => ({ name, object: {}, text: json });
const head = '"apiVersion":"fixtures.jouleops.dev/v1","kind":"Gauge","metadata":{"name":"object"}';

export const validationCases: ValidationCase[] = [
  { name: 'a valid object', object: valid() },
  { name: 'no spec', object: {} },
  { name: 'spec is a list', object: { spec: [] } },
  { name: 'spec is null', object: { spec: null } },
  { name: 'a required member is missing', object: { spec: {} } },
  spec('too short', { word: 'a' }),
  spec('too long', { word: 'abcdef' }),
  spec('length counts characters, not bytes', { word: 'ééééé' }),
  spec('a pattern', { slug: 'No' }),
  spec('too long comes before the pattern', { slug: 'NO-NO-NO-NO-NO' }),
  spec('not in the enum', { color: 'Pink' }),
  spec('a number not in the enum', { level: 4 }),
  spec('a number for a string in an enum', { color: 1 }),
  spec('below the minimum', { count: 0 }),
  spec('above the maximum', { count: 11 }),
  spec('a fraction for an integer', { count: 1.5 }),
  spec('a string for an integer', { count: '1' }),
  spec('an integer for a string', { slug: 5 }),
  spec('out of 32 bits', { small: 3000000000 }),
  spec('a string for a boolean', { flag: 'true' }),
  spec('an object for a boolean', { flag: {} }),
  spec('a nullable null', { maybe: null }),
  spec('a null that is dropped', { slug: null }),
  spec('not a time', { at: 'yesterday' }),
  spec('a date for a time', { at: '2024-01-01' }),
  spec('a time with an offset and a fraction', { at: '2024-01-01T10:00:00.123+02:00' }),
  spec('not base64', { blob: '%%%' }),
  spec('base64', { blob: 'aGk=' }),
  spec('an unknown format is not checked', { other: 'anything' }),
  spec('int-or-string with a fraction', { amount: 1.5 }),
  spec('int-or-string with a boolean', { amount: true }),
  spec('int-or-string with an integer', { amount: 5 }),
  spec('int-or-string against its pattern', { amount: '5Ki' }),
  spec('a nested required member', { pair: {} }),
  spec('several at once', { pair: { x: 'a', y: 9 }, count: 99, color: 'Pink' }),
  spec('too many properties', { bag: { a: '1', b: '2', c: '3' } }),
  spec('a value of a map', { bag: { a: 'long' } }),
  spec('too few items', { short: [] }),
  spec('too many items', { short: ['a', 'b', 'c'] }),
  spec('an item of a list', { short: ['a', 'long'] }),
  spec('an object for a list', { short: {} }),
  spec('null in a list', { short: ['a', null] }),
  spec('duplicates in a set', { tags: ['a', 'b', 'a', 'a'] }),
  spec('duplicates in a set of numbers', { numbers: [1, 1] }),
  spec('duplicates in a list map', { items: [{ name: 'a' }, { name: 'a', size: 2 }] }),
  spec('a list map without its key', { items: [{ size: 1 }] }),
  spec('duplicates by a defaulted key', { ports: [{ port: 1 }, { port: 1, protocol: 'TCP' }] }),
  spec('no duplicates by two keys', { ports: [{ port: 1 }, { port: 1, protocol: 'UDP' }] }),
  spec('an item of an untyped list', { plain: [{ n: 1 }, { n: -1 }] }),
  spec('free data', { free: { a: [1, { b: null }] } }),
  spec('any of, none', { some: {} }),
  spec('any of, both', { some: { a: 'x', b: 'y' } }),
  spec('a rule with a field path', { range: { min: 5, max: 1 } }),
  spec('a rule with a reason', { range: { note: 'bad' } }),
  spec('a rule without a message', { range: { max: 5000 } }),
  spec('all rules of a struct', { range: { min: 9000, max: 8000, note: 'bad' } }),
  spec('rules of a list', { names: ['zzzzzzzzz', 'b'] }),
  spec('a rule that holds', { names: ['a', 'b'] }),
  spec('a rule on an item', { rows: [{ key: 'a', v: 13 }] }),
  spec('has with an index', { rows: [{ key: 'a' }] }),
  spec('a rule on the values of a map', { dictionary: { a: 2, b: 3 } }),
  spec('escaped names', { keywords: { namespace: 'x', 'a-b': 1 } }),
  spec('escaped names that hold', { keywords: { namespace: 'x', 'a-b': 2 } }),
  spec('a missing member in a rule', { keywords: { namespace: 'x' } }),
  spec('a time in a rule', { moment: '2019-12-31T23:59:59Z' }),
  spec('division by zero in a rule', { division: 0 }),
  spec('functions on lists and strings', { listing: { tags: ['axx', 'bx', 'secret'], pattern: 'ABC' } }),
  spec('functions that hold', { listing: { tags: ['ax'], pattern: 'abc' } }),
  spec('rules wait for types', { range: { min: 5, max: 1 }, color: 'Pink' }),
  spec('rules do not wait for bounds', { range: { min: 5, max: 1 }, count: 99 }),
  spec('a rule at the root of spec', { word: 'nope' }),
  spec('a transition rule on create', { fixed: 'x', grow: 1 }),
  { name: 'a rule on the name', object: { ...valid(), metadata: { name: 'reserved' } } },
  change('immutable', { fixed: 'x' }, { fixed: 'y' }),
  change('immutable and the same', { fixed: 'x', count: 1 }, { fixed: 'x', count: 2 }),
  change('immutable and gone', { fixed: 'x' }, {}),
  change('immutable and new', {}, { fixed: 'x' }),
  change('only grows', { grow: 5 }, { grow: 4 }),
  change(
    'a transition in a list map follows its key',
    {
      rows: [
        { key: 'a', v: 5 },
        { key: 'b', v: 1 },
      ],
    },
    {
      rows: [
        { key: 'b', v: 2 },
        { key: 'a', v: 4 },
      ],
    },
  ),
  change('a bad change beside a good one', { count: 5 }, { count: 50, color: 'Pink' }),
  meta('a bad name', { name: 'Upper_Case' }),
  meta('a long name', { name: 'a'.repeat(254) }),
  meta('a dotted name', { name: 'a.b-c.1' }),
  meta('a bad label key', { labels: { 'a b': 'x' } }),
  meta('a bad label value', { labels: { a: 'x y' } }),
  meta('a long label value', { labels: { a: 'x'.repeat(64) } }),
  meta('a label key with a bad prefix', { labels: { 'A_B/c': 'x', '/d': 'x', 'a/b/c': 'x' } }),
  meta('a bad annotation key', { annotations: { 'a b': 'x', 'UPPER.dev/Ok': 'y' } }),
  meta('a bad finalizer', { finalizers: ['not ok'] }),
  meta('an empty owner', { ownerReferences: [{ apiVersion: '', kind: '', name: '', uid: '' }] }),
  meta('two controllers', {
    ownerReferences: [
      { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: '1', controller: true },
      { apiVersion: 'v1', kind: 'ConfigMap', name: 'b', uid: '2', controller: true },
    ],
  }),
  meta('an event cannot own', { ownerReferences: [{ apiVersion: 'v1', kind: 'Event', name: 'a', uid: '1' }] }),
  meta('labels of a wrong type', { labels: { a: 1 } }),
  meta('labels are a list', { labels: ['a'] }),
  meta('an unknown metadata field', { foo: 1, labels: { a: 'b' } }),
  meta('an unknown field of an owner', {
    ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: '1', foo: 1 }],
  }),
  status('a valid status', undefined, { phase: 'Up' }),
  status('a status without what it must have', undefined, { n: 1 }),
  status('a status of wrong values', { phase: 'Up' }, { phase: 'Sideways', n: -1 }),
  status('duplicates in a status', { phase: 'Up' }, { phase: 'Up', list: ['a', 'a'] }),
  spec('an unknown field', { foo: 1 }),
  spec('unknown fields at several depths', { foo: { a: 1 }, pair: { x: 1, z: 2 }, items: [{ name: 'a', bar: 1 }] }),
  { name: 'an unknown field at the root', object: { ...valid(), extra: 1 } },
  text('a duplicate field', `{${head},"spec":{"word":"abc","word":"abd"}}`),
  text('duplicates and unknown fields', `{${head},"spec":{"word":"abc","foo":1,"items":[{"name":"a","name":"b"}],"word":"abd"}}`),
  text(
    'a duplicate in metadata',
    `{"apiVersion":"fixtures.jouleops.dev/v1","kind":"Gauge","metadata":{"name":"object","labels":{"a":"1","a":"2"}},"spec":{"word":"abc"}}`,
  ),
];
