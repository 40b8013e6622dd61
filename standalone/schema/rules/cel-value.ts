// Values as CEL rules see them: integers are 64 bits wide, times are timestamps, reserved names are escaped.
import { isObject, type JsonObject, type JsonValue, property } from '../json.ts';
import type { StructuralSchema } from '../structural-schema.ts';
import { memberSchema } from '../validation/correlation.ts';

export type CelValue = null | boolean | number | bigint | string | Date | Uint8Array | CelValue[] | { [name: string]: CelValue };

export function toCel(schema: StructuralSchema | undefined, value: JsonValue): CelValue {
  if (Array.isArray(value)) return value.map((item) => toCel(schema?.items, item));
  if (isObject(value)) return toCelObject(schema, value);
  if (typeof value === 'number') return isWhole(schema, value) ? BigInt(value) : value;
  if (typeof value !== 'string') return value;
  if (schema?.format === 'date-time') return new Date(value);
  return schema?.format === 'byte' ? Buffer.from(value, 'base64') : value;
}

function isWhole(schema: StructuralSchema | undefined, value: number): boolean {
  return Number.isInteger(value) && schema?.type !== 'number';
}

function toCelObject(schema: StructuralSchema | undefined, value: JsonObject): { [name: string]: CelValue } {
  const entries = Object.entries(value).map(([name, item]): [string, CelValue] => {
    const known = schema?.properties !== undefined && Object.hasOwn(schema.properties, name);
    return [known ? escapeName(name) : name, toCel(schema && memberSchema(schema, name), item)];
  });
  return Object.fromEntries(entries);
}

/** A rule at the root sees apiVersion, kind, and of metadata the name and generateName only. */
export function rootToCel(schema: StructuralSchema, object: JsonObject): CelValue {
  const metadata = property(object, 'metadata');
  const visible: JsonObject = {};
  for (const name of ['name', 'generateName']) {
    const value = isObject(metadata) ? property(metadata, name) : undefined;
    if (value !== undefined) visible[name] = value;
  }
  return toCel(schema, { ...object, metadata: visible });
}

const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);
const symbols: Record<string, string> = { __: '__underscores__', '.': '__dot__', '-': '__dash__', '/': '__slash__' };

/** `namespace` is `__namespace__` in a rule, `a-b` is `a__dash__b`. */
function escapeName(name: string): string {
  if (reserved.has(name)) return `__${name}__`;
  return name.replaceAll(/__|[./-]/g, (symbol) => symbols[symbol] ?? symbol);
}
