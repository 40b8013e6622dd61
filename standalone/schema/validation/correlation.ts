// Which old value a new one continues, so that what was stored before a rule existed is not refused until it changes.
import { equalJson, isObject, type JsonValue, property } from '../json.ts';
import type { StructuralSchema } from '../structural-schema.ts';

/** A value, the one it replaces, and their schema. Algorithm: k8s.io/apiserver, cel/common/equality.go. */
export interface Correlation {
  readonly value: JsonValue;
  readonly old: JsonValue;
  readonly schema: StructuralSchema;
}

export function isUnchanged(correlation: Correlation | undefined): boolean {
  return correlation !== undefined && equalJson(correlation.value, correlation.old);
}

/** undefined where the member has no predecessor. */
export function atKey(correlation: Correlation | undefined, name: string): Correlation | undefined {
  if (!correlation || !isObject(correlation.value) || !isObject(correlation.old)) return undefined;
  const value = property(correlation.value, name);
  const old = property(correlation.old, name);
  const schema = memberSchema(correlation.schema, name);
  return value === undefined || old === undefined || !schema ? undefined : { value, old, schema };
}

export function memberSchema(schema: StructuralSchema, name: string): StructuralSchema | undefined {
  const known = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
  if (known) return known;
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

/** Only items of a list of type map have predecessors: those with the same keys. */
export function atIndex(correlation: Correlation | undefined, position: number): Correlation | undefined {
  if (!correlation || !Array.isArray(correlation.value) || !Array.isArray(correlation.old)) return undefined;
  const value = correlation.value[position];
  if (value === undefined || !correlation.schema.items) return undefined;
  const old = itemWithKeysOf(correlation.schema, correlation.old, value);
  return old === undefined ? undefined : { value, old, schema: correlation.schema.items };
}

/** The item of a list of type map that has the same keys as `item`. */
export function itemWithKeysOf(schema: StructuralSchema, items: readonly JsonValue[], item: JsonValue): JsonValue | undefined {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (schema['x-kubernetes-list-type'] !== 'map' || !isObject(item)) return undefined;
  const sameKeys = (other: JsonValue) =>
    isObject(other) && keys.every((name) => equalJson(property(other, name), property(item, name)));
  return items.find(sameKeys);
}
