// metadata, the same for every kind: its schema, and what reading a request does to it.
import { isObject, type JsonObject, type JsonValue, property, setProperty } from '../json.ts';
import type { StructuralSchema } from '../structural-schema.ts';
import { child, index, key } from '../validation/field-error.ts';

const text: StructuralSchema = { type: 'string' };
const time: StructuralSchema = { type: 'string', format: 'date-time' };
const texts: StructuralSchema = { type: 'object', additionalProperties: text };
const integer: StructuralSchema = { type: 'integer', format: 'int64' };
const flag: StructuralSchema = { type: 'boolean' };

export const objectMetaSchema: StructuralSchema = {
  type: 'object',
  description: 'Standard metadata: identity, versions, labels, annotations, owners.',
  properties: {
    name: text,
    generateName: text,
    namespace: text,
    selfLink: text,
    uid: text,
    resourceVersion: text,
    generation: integer,
    creationTimestamp: time,
    deletionTimestamp: time,
    deletionGracePeriodSeconds: integer,
    labels: texts,
    annotations: texts,
    ownerReferences: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['uid'],
      items: {
        type: 'object',
        'x-kubernetes-map-type': 'atomic',
        properties: { apiVersion: text, kind: text, name: text, uid: text, controller: flag, blockOwnerDeletion: flag },
        required: ['apiVersion', 'kind', 'name', 'uid'],
      },
    },
    finalizers: { type: 'array', 'x-kubernetes-list-type': 'set', items: text },
    managedFields: {
      type: 'array',
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        properties: {
          manager: text,
          operation: text,
          apiVersion: text,
          time,
          fieldsType: text,
          fieldsV1: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          subresource: text,
        },
      },
    },
  },
};

export interface CoercedMeta {
  metadata: JsonObject;
  /** Paths that metadata does not have, such as `metadata.foo`. */
  unknown: string[];
  /** Why the request cannot be read at all: answer 400. */
  malformed: string | undefined;
}

/** What decoding into ObjectMeta does: drops what is unknown, null or empty, and refuses wrong types. */
export function coerceMetadata(metadata: JsonValue): CoercedMeta {
  const found: CoercedMeta = { metadata: {}, unknown: [], malformed: undefined };
  if (metadata === null) return found;
  const value = coerce(objectMetaSchema, metadata, 'metadata', found);
  return { ...found, metadata: isObject(value) ? value : {} };
}

function coerce(schema: StructuralSchema, value: JsonValue, path: string, found: CoercedMeta): JsonValue | undefined {
  if (value === null) return undefined;
  if (schema['x-kubernetes-preserve-unknown-fields']) return value;
  if (schema.type === 'object')
    return isObject(value) ? coerceObject(schema, value, path, found) : refuse(schema, value, path, found);
  if (schema.type === 'array')
    return Array.isArray(value) ? coerceList(schema, value, path, found) : refuse(schema, value, path, found);
  return coerceScalar(schema, value, path, found);
}

function coerceList(schema: StructuralSchema, value: readonly JsonValue[], path: string, found: CoercedMeta): JsonValue[] {
  const items = schema.items ?? {};
  return value.map((item, at) => coerce(items, item, index(path, at), found) ?? zero(items));
}

function coerceScalar(schema: StructuralSchema, value: JsonValue, path: string, found: CoercedMeta): JsonValue | undefined {
  const fits = schema.type === 'integer' ? Number.isInteger(value) : typeof value === schema.type;
  if (!fits) return refuse(schema, value, path, found);
  if (schema.format === 'date-time' && typeof value === 'string' && Number.isNaN(Date.parse(value))) {
    found.malformed ??= `parsing time ${JSON.stringify(value)} of ${path}: it is not an RFC 3339 time`;
  }
  return value;
}

/** null inside a list or map of a Go type reads as its zero value. */
function zero(schema: StructuralSchema): JsonValue {
  return schema.type === 'object' ? {} : schema.type === 'string' ? '' : null;
}

function coerceObject(schema: StructuralSchema, value: JsonObject, path: string, found: CoercedMeta): JsonObject {
  const out: JsonObject = {};
  const { additionalProperties } = schema;
  for (const [name, item] of Object.entries(value)) {
    if (typeof additionalProperties === 'object') {
      const coerced = coerce(additionalProperties, item, key(path, name), found) ?? zero(additionalProperties);
      setProperty(out, name, coerced);
      continue;
    }
    const member = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    if (!member) {
      found.unknown.push(child(path, name));
      continue;
    }
    const coerced = coerce(member, item, child(path, name), found);
    if (coerced !== undefined && !isZero(coerced, path, name)) out[name] = coerced;
  }
  return out;
}

/** Fields of ObjectMeta and of its entries leave out what is empty; owner references keep what they must have. */
function isZero(value: JsonValue, path: string, name: string): boolean {
  if (path.startsWith('metadata.ownerReferences')) return false;
  if (name === 'fieldsV1') return false;
  if (Array.isArray(value)) return value.length === 0;
  if (isObject(value)) return Object.keys(value).length === 0;
  return value === '' || (value === 0 && name === 'generation');
}

/** Worded after the Go type that Kubernetes decodes into: no keys or positions in the path. */
function refuse(schema: StructuralSchema, value: JsonValue, path: string, found: CoercedMeta): undefined {
  const actual = Array.isArray(value) ? 'array' : isObject(value) ? 'object' : typeof value === 'boolean' ? 'bool' : typeof value;
  const field = path.replace(/^metadata\.?/, '').replaceAll(/\[[^\]]*\]/g, '');
  const where = field === '' ? 'value' : `struct field ObjectMeta.${field}`;
  found.malformed ??= `json: cannot unmarshal ${actual} into Go ${where} of type ${goType(schema)}`;
  return undefined;
}

const goScalars: Record<string, string> = { integer: 'int64', boolean: 'bool', string: 'string' };

function goType({ type = 'object', items, additionalProperties }: StructuralSchema): string {
  if (type === 'object') return additionalProperties === undefined ? 'v1.ObjectMeta' : 'map[string]string';
  if (type === 'array') return items?.type === 'string' ? '[]string' : '[]interface {}';
  return goScalars[type] ?? type;
}

export function metadataOf(object: JsonObject): JsonObject {
  const metadata = property(object, 'metadata');
  return isObject(metadata) ? metadata : {};
}
