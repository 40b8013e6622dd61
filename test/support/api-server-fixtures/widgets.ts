// Two custom kinds with every way of merging that a structural schema knows: what scenarios of server-side apply run on.
import type { CustomKindSource } from '../../../standalone/schema/custom-kind.ts';
import type { StructuralSchema } from '../../../standalone/schema/structural-schema.ts';

const text: StructuralSchema = { type: 'string' };
const integer: StructuralSchema = { type: 'integer' };
const pair: StructuralSchema = { type: 'object', properties: { x: integer, y: integer } };

const port: StructuralSchema = {
  type: 'object',
  required: ['port'],
  properties: { port: integer, protocol: { type: 'string', default: 'TCP' }, name: text },
};

const spec: StructuralSchema = {
  type: 'object',
  properties: {
    a: text,
    b: text,
    n: integer,
    ratio: { type: 'number' },
    flag: { type: 'boolean' },
    mode: { type: 'string', default: 'Auto' },
    maybe: { type: 'string', nullable: true },
    at: { type: 'string', format: 'date-time' },
    amount: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
    nested: {
      type: 'object',
      properties: { x: integer, y: integer, deep: { type: 'object', properties: { p: text, q: text } } },
    },
    point: { ...pair, 'x-kubernetes-map-type': 'atomic' },
    settings: { type: 'object', additionalProperties: text },
    sealedSettings: { type: 'object', additionalProperties: text, 'x-kubernetes-map-type': 'atomic' },
    limits: { type: 'object', additionalProperties: pair },
    tags: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
    numbers: { type: 'array', items: integer, 'x-kubernetes-list-type': 'set' },
    steps: { type: 'array', items: text, 'x-kubernetes-list-type': 'atomic' },
    plainList: { type: 'array', items: pair },
    items: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        required: ['name'],
        properties: {
          name: text,
          value: text,
          other: text,
          size: { type: 'integer', default: 1 },
          inner: {
            type: 'array',
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['key'],
            items: { type: 'object', required: ['key'], properties: { key: text, v: integer } },
          },
        },
      },
    },
    ports: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['port', 'protocol'], items: port },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    mixed: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { known: pair } },
    anything: { 'x-kubernetes-preserve-unknown-fields': true },
  },
};

const condition: StructuralSchema = {
  type: 'object',
  required: ['type', 'status'],
  properties: {
    type: text,
    status: text,
    reason: text,
    message: text,
    lastTransitionTime: { type: 'string', format: 'date-time' },
    observedGeneration: integer,
  },
};

const status: StructuralSchema = {
  type: 'object',
  properties: {
    phase: text,
    observedGeneration: integer,
    counts: pair,
    conditions: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'], items: condition },
  },
};

export const fixtureGroup = 'fixtures.jouleops.dev';

export function definition(
  kind: string,
  schema: StructuralSchema,
  options: { statusSubresource: boolean },
): CustomKindSource & { metadata: { name: string } } {
  const singular = kind.toLowerCase();
  return {
    metadata: { name: `${singular}s.${fixtureGroup}` },
    spec: {
      group: fixtureGroup,
      names: { kind, plural: `${singular}s`, singular },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1',
          served: true,
          schema: { openAPIV3Schema: schema },
          ...(options.statusSubresource ? { subresources: { status: {} } } : {}),
        },
      ],
    },
  };
}

const whole: StructuralSchema = { type: 'object', properties: { spec, status } };

/** With a status subresource, as our own kinds are. */
export const widgets = definition('Widget', whole, { statusSubresource: true });

/** Without one: status is a field like any other. */
export const gadgets = definition('Gadget', whole, { statusSubresource: false });
