// Lists of type set and map hold nothing twice. Algorithm: apiextensions-apiserver, schema/listtype.
import { isObject, type JsonObject, type JsonValue, property } from '../json.ts';
import type { Cause, StructuralSchema } from '../structural-schema.ts';
import { child, duplicate, index, invalid, key } from './field-error.ts';

export function validateListTypes(schema: StructuralSchema, value: JsonValue, path = ''): Cause[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    const below = items ? value.flatMap((item, at) => validateListTypes(items, item, index(path, at))) : [];
    return [...listCauses(schema, value, path), ...below];
  }
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, item]) => {
    const known = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    if (known) return validateListTypes(known, item, child(path, name));
    const additional = schema.additionalProperties;
    return typeof additional === 'object' ? validateListTypes(additional, item, key(path, name)) : [];
  });
}

function listCauses(schema: StructuralSchema, items: readonly JsonValue[], path: string): Cause[] {
  const kind = schema['x-kubernetes-list-type'] ?? 'atomic';
  switch (kind) {
    case 'set':
      return secondsOf(items).map((at) => duplicate(index(path, at), items[at]));
    case 'map': {
      const stranger = items.findIndex((item) => item !== null && !isObject(item));
      if (stranger >= 0)
        return [invalid(index(path, stranger), items[stranger], 'must be an object for an array of list-type map')];
      const keys = items.map((item) => keysOf(schema, item));
      return secondsOf(keys).map((at) => duplicate(index(path, at), keys[at]));
    }
    case 'atomic':
      return [];
  }
}

function keysOf(schema: StructuralSchema, item: JsonValue): JsonObject {
  const keys: JsonObject = {};
  for (const name of schema['x-kubernetes-list-map-keys'] ?? []) {
    const value = isObject(item) ? property(item, name) : undefined;
    if (value !== undefined) keys[name] = value;
  }
  return keys;
}

/** Where something appears for the second time; a third time is not reported again. */
function secondsOf(items: readonly JsonValue[]): number[] {
  const counts = new Map<string, number>();
  return items.flatMap((item, at) => {
    const text = canonical(item);
    const count = (counts.get(text) ?? 0) + 1;
    counts.set(text, count);
    return count === 2 ? [at] : [];
  });
}

function canonical(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name] ?? null)}`);
  return `{${members.join(',')}}`;
}
