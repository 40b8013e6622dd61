// Drops what a schema does not know. Algorithm: apiextensions-apiserver, schema/pruning.
import { dropRefusedNulls } from './defaulting.ts';
import { isObject, type JsonObject, type JsonValue, setProperty } from './json.ts';
import type { StructuralSchema } from './structural-schema.ts';
import { child, index } from './validation/field-error.ts';

const metaFields = new Set(['apiVersion', 'kind', 'metadata']);

/** A copy without unknown fields and refused nulls, and the unknown paths, sorted. apiVersion, kind and metadata of the root are left alone. */
export function pruneValue(schema: StructuralSchema, object: JsonObject): { object: JsonObject; unknown: string[] } {
  const unknown: string[] = [];
  const pruned = dropRefusedNulls(schema, prune(schema, object, '', unknown, metaFields));
  return { object: isObject(pruned) ? pruned : {}, unknown: unknown.sort() };
}

function prune(
  schema: StructuralSchema | undefined,
  value: JsonValue,
  path: string,
  unknown: string[],
  always?: ReadonlySet<string>,
): JsonValue {
  if (Array.isArray(value)) return value.map((item, at) => prune(itemSchema(schema), item, index(path, at), unknown));
  if (!isObject(value)) return value;
  const out: JsonObject = {};
  for (const [name, item] of Object.entries(value)) {
    const here = child(path, name);
    const found = always?.has(name) ? 'keep' : memberOf(schema, name);
    if (found === 'keep') setProperty(out, name, item);
    else if (found === 'drop') unknown.push(here);
    else setProperty(out, name, prune(found, item, here, unknown));
  }
  return out;
}

function itemSchema(schema: StructuralSchema | undefined): StructuralSchema | undefined {
  if (schema?.items) return schema.items;
  return schema?.['x-kubernetes-preserve-unknown-fields'] ? schema : undefined;
}

function memberOf(schema: StructuralSchema | undefined, name: string): StructuralSchema | 'keep' | 'drop' {
  if (!schema) return 'drop';
  if (schema.properties && Object.hasOwn(schema.properties, name)) return schema.properties[name] ?? 'keep';
  const additional = schema.additionalProperties;
  if (typeof additional === 'object') return additional;
  if (additional === true || schema['x-kubernetes-preserve-unknown-fields']) return 'keep';
  return 'drop';
}
