// Fills in what a schema gives by default. Algorithm: apiextensions-apiserver, schema/defaulting.

import { memberSchema } from './correlation.ts';
import { copyJson, isObject, type JsonObject, type JsonValue, setProperty } from './json.ts';
import type { StructuralSchema } from './structural-schema.ts';

/** A copy with defaults. null where null is not allowed becomes the default, or nothing when there is none. */
export function defaultValue(schema: StructuralSchema | undefined, value: JsonValue): JsonValue {
  if (Array.isArray(value)) {
    const items = schema?.items;
    return value.map((item) => defaultValue(items, isRefusedNull(items, item) && items?.default !== undefined ? copyJson(items.default) : item));
  }
  if (!isObject(value)) return value;
  const out: JsonObject = {};
  for (const [name, item] of Object.entries(value)) {
    const member = schema && memberSchema(schema, name);
    if (!isRefusedNull(member, item)) setProperty(out, name, defaultValue(member, item));
    else if (member?.default !== undefined) setProperty(out, name, defaultValue(member, member.default));
  }
  for (const [name, member] of Object.entries(schema?.properties ?? {})) {
    if (member.default !== undefined && !Object.hasOwn(out, name)) setProperty(out, name, defaultValue(member, member.default));
  }
  return out;
}

function isRefusedNull(schema: StructuralSchema | undefined, value: JsonValue): boolean {
  return value === null && schema !== undefined && schema.nullable !== true;
}
