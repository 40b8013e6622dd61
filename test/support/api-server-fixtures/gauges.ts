// A custom kind with one field per validation rule that a structural schema knows.
import type { StructuralSchema } from '../../../standalone/schema/structural-schema.ts';
import { definition } from './widgets.ts';

const text: StructuralSchema = { type: 'string' };
const integer: StructuralSchema = { type: 'integer' };

const bounds: Record<string, StructuralSchema> = {
  word: { type: 'string', minLength: 2, maxLength: 5 },
  slug: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', maxLength: 10 },
  color: { type: 'string', enum: ['Red', 'Green', 'Blue'] },
  level: { type: 'integer', enum: [1, 2, 3] },
  count: { type: 'integer', minimum: 1, maximum: 10 },
  small: { type: 'integer', format: 'int32' },
  flag: { type: 'boolean' },
  maybe: { type: 'string', nullable: true },
  at: { type: 'string', format: 'date-time' },
  blob: { type: 'string', format: 'byte' },
  other: { type: 'string', format: 'made-up' },
  amount: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }], pattern: '^[0-9]+(Mi|Gi)?$' },
};

const containers: Record<string, StructuralSchema> = {
  pair: { type: 'object', required: ['x'], properties: { x: integer, y: { type: 'integer', maximum: 5 } } },
  bag: { type: 'object', maxProperties: 2, additionalProperties: { type: 'string', maxLength: 3 } },
  short: { type: 'array', minItems: 1, maxItems: 2, items: { type: 'string', maxLength: 3 } },
  tags: { type: 'array', maxItems: 5, 'x-kubernetes-list-type': 'set', items: { type: 'string', maxLength: 20 } },
  numbers: { type: 'array', maxItems: 5, 'x-kubernetes-list-type': 'set', items: integer },
  items: {
    type: 'array',
    maxItems: 5,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    items: {
      type: 'object',
      required: ['name'],
      properties: { name: { type: 'string', maxLength: 10 }, size: { type: 'integer', minimum: 1 } },
    },
  },
  ports: {
    type: 'array',
    maxItems: 5,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['port', 'protocol'],
    items: {
      type: 'object',
      required: ['port'],
      properties: { port: integer, protocol: { type: 'string', default: 'TCP', maxLength: 5 } },
    },
  },
  plain: { type: 'array', maxItems: 5, items: { type: 'object', properties: { n: { type: 'integer', minimum: 0 } } } },
  free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
};

const branches: Record<string, StructuralSchema> = {
  some: { type: 'object', properties: { a: text, b: text }, anyOf: [{ required: ['a'] }, { required: ['b'] }] },
};

const rules: Record<string, StructuralSchema> = {
  range: {
    type: 'object',
    properties: { min: integer, max: integer, note: { type: 'string', maxLength: 20 } },
    'x-kubernetes-validations': [
      {
        rule: '!has(self.min) || !has(self.max) || self.min <= self.max',
        message: 'min must not be above max',
        fieldPath: '.min',
      },
      {
        rule: "!has(self.note) || self.note != 'bad'",
        message: 'the note is bad',
        reason: 'FieldValueForbidden',
        fieldPath: '.note',
      },
      { rule: '!has(self.max) || self.max < 1000' },
    ],
  },
  fixed: {
    type: 'string',
    maxLength: 20,
    'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'fixed is immutable' }],
  },
  grow: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self >= oldSelf', message: 'grow only grows' }] },
  names: {
    type: 'array',
    maxItems: 5,
    items: { type: 'string', maxLength: 10 },
    'x-kubernetes-validations': [
      { rule: 'self.all(name, name.size() < 8)', message: 'names are short' },
      { rule: 'self.isSorted()', message: 'names are sorted' },
      { rule: "self.exists(name, name == 'a')", reason: 'FieldValueRequired', message: 'a must be there' },
    ],
  },
  rows: {
    type: 'array',
    maxItems: 5,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['key'],
    items: {
      type: 'object',
      required: ['key'],
      properties: {
        key: { type: 'string', maxLength: 10 },
        v: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self >= oldSelf', message: 'v only grows' }] },
      },
      'x-kubernetes-validations': [{ rule: '!has(self.v) || self.v != 13', message: 'not 13', reason: 'FieldValueDuplicate' }],
    },
    'x-kubernetes-validations': [
      { rule: 'self.size() == 0 || (has(self[0].v) && self[0].v < 100)', message: 'the first is small' },
    ],
  },
  dictionary: {
    type: 'object',
    maxProperties: 5,
    additionalProperties: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self % 2 == 0', message: 'even only' }] },
  },
  keywords: {
    type: 'object',
    properties: { namespace: { type: 'string', maxLength: 10 }, 'a-b': integer },
    'x-kubernetes-validations': [
      { rule: "!has(self.__namespace__) || self.__namespace__ != 'x' || self.a__dash__b > 1", message: 'escaped names work' },
    ],
  },
  moment: {
    type: 'string',
    format: 'date-time',
    'x-kubernetes-validations': [{ rule: "self > timestamp('2020-01-01T00:00:00Z')", message: 'not before 2020' }],
  },
  division: { type: 'integer', 'x-kubernetes-validations': [{ rule: '10 / self > 0', message: 'ten over self' }] },
  listing: {
    type: 'object',
    properties: {
      tags: { type: 'array', maxItems: 5, 'x-kubernetes-list-type': 'set', items: { type: 'string', maxLength: 9 } },
      pattern: { type: 'string', maxLength: 20 },
    },
    'x-kubernetes-validations': [
      { rule: "!has(self.tags) || !('secret' in self.tags)", message: 'no secret tag' },
      { rule: "!has(self.pattern) || self.pattern.matches('^[a-z]+$')", message: 'lower case only' },
      {
        rule: "!has(self.tags) || self.tags.filter(t, t.contains('x')).map(t, t.size()).isSorted()",
        message: 'longer and longer',
      },
      { rule: 'has(self.tags) ? self.tags.size() != 3 : true', message: 'not three tags', fieldPath: '.tags' },
    ],
  },
};

const spec: StructuralSchema = {
  type: 'object',
  required: ['word'],
  properties: { ...bounds, ...containers, ...branches, ...rules },
  'x-kubernetes-validations': [{ rule: "self.word != 'nope'", message: 'word must not be nope' }],
};

const status: StructuralSchema = {
  type: 'object',
  required: ['phase'],
  properties: {
    phase: { type: 'string', enum: ['Up', 'Down'] },
    n: { type: 'integer', minimum: 0 },
    list: { type: 'array', maxItems: 3, 'x-kubernetes-list-type': 'set', items: text },
  },
};

export const gauges = definition(
  'Gauge',
  {
    type: 'object',
    required: ['spec'],
    properties: { spec, status },
    'x-kubernetes-validations': [{ rule: "self.metadata.name != 'reserved'", message: 'the name is reserved' }],
  },
  { statusSubresource: true },
);
