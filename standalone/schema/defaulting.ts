// Fills in what a schema gives by default. Algorithm: apiextensions-apiserver, schema/defaulting.
import { copyJson, isObject, type JsonObject, type JsonValue, setProperty } from './json.ts';
import type { StructuralSchema } from './structural-schema.ts';
import { memberSchema } from './validation/correlation.ts';

/** A copy with defaults. null where null is not allowed becomes the default, if there is one. */
export function defaultValue(schema: StructuralSchema | undefined, value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((item) => defaultValue(schema?.items, orDefault(schema?.items, item)));
  if (!isObject(value)) return value;
  const out: JsonObject = {};
  for (const [name, item] of Object.entries(value)) {
    const member = schema && memberSchema(schema, name);
    setProperty(out, name, defaultValue(member, orDefault(member, item)));
  }
  for (const [name, member] of Object.entries(schema?.properties ?? {})) {
    if (member.default !== undefined && !Object.hasOwn(out, name))
      setProperty(out, name, defaultValue(member, copyJson(member.default)));
  }
  return out;
}

function orDefault(schema: StructuralSchema | undefined, value: JsonValue): JsonValue {
  return isRefusedNull(schema, value) && schema?.default !== undefined ? copyJson(schema.default) : value;
}

/** A copy without members that are null where null is not allowed and no default takes its place: they count as absent. */
export function dropRefusedNulls(schema: StructuralSchema | undefined, value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((item) => dropRefusedNulls(schema?.items, item));
  if (!isObject(value)) return value;
  const out: JsonObject = {};
  for (const [name, item] of Object.entries(value)) {
    const member = schema && memberSchema(schema, name);
    if (!isRefusedNull(member, item) || member?.default !== undefined) setProperty(out, name, dropRefusedNulls(member, item));
  }
  return out;
}

function isRefusedNull(schema: StructuralSchema | undefined, value: JsonValue): boolean {
  return value === null && schema !== undefined && schema.nullable !== true;
}
