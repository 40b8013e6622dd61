// How values of a schema merge: what structured-merge-diff calls an atom. A schema without a type allows several forms at once.
import { isObject, type JsonObject, type JsonValue, property } from '../../schema/json.ts';
import type { StructuralSchema } from '../../schema/structural-schema.ts';
import { keyElement, valueElement } from './field-set.ts';

export interface MergeType {
  readonly scalar?: 'string' | 'number' | 'boolean' | 'any';
  readonly list?: ListType;
  readonly map?: MapType;
}

export interface ListType {
  /** Lists of type set and map merge by item; all others are replaced whole. */
  readonly associative: boolean;
  /** Key fields of a list of type map; empty for a set. */
  readonly keys: readonly string[];
  /** What an item has that leaves a key out. */
  readonly keyDefaults: JsonObject;
  readonly element: MergeType;
}

export interface MapType {
  readonly fields: ReadonlyMap<string, MergeType>;
  /** The type of keys that are not fields; undefined where there may be none. */
  readonly element: MergeType | undefined;
  readonly atomic: boolean;
}

type Recursive<T> = { -readonly [K in keyof T]: T[K] };

function anyValue(relation: { atomicMaps: boolean; inLists: MergeType | undefined }): MergeType {
  const list: Recursive<ListType> = { associative: false, keys: [], keyDefaults: {}, element: {} };
  const map: Recursive<MapType> = { fields: new Map(), element: undefined, atomic: relation.atomicMaps };
  const type: MergeType = { scalar: 'any', list, map };
  list.element = relation.inLists ?? type;
  map.element = type;
  return type;
}

/** Inside an atomic list without a schema: every value is replaced whole. */
const untyped = anyValue({ atomicMaps: true, inLists: undefined });

/** Data without a schema: maps merge by key, lists are replaced whole. */
const deduced = anyValue({ atomicMaps: false, inLists: untyped });

const compiled = new WeakMap<StructuralSchema, MergeType>();

/** Algorithm: kube-openapi, pkg/schemaconv. */
export function mergeTypeOf(schema: StructuralSchema): MergeType {
  let type = compiled.get(schema);
  if (!type) {
    type = compile(schema, false);
    compiled.set(schema, type);
  }
  return type;
}

function compile(schema: StructuralSchema, preserving: boolean): MergeType {
  const preserve = preserving || schema['x-kubernetes-preserve-unknown-fields'] === true;
  const { type } = schema;
  if (type === undefined) return { scalar: 'any', list: compileList(schema, preserve), map: compileMap(schema, preserve) };
  switch (type) {
    case 'object':
      return { map: compileMap(schema, preserve) };
    case 'array':
      return { list: compileList(schema, preserve) };
    case 'integer':
    case 'number':
      return { scalar: 'number' };
    case 'boolean':
      return { scalar: 'boolean' };
    case 'string':
      return { scalar: schema.format === undefined || schema.format === 'byte' ? 'string' : 'any' };
  }
}

function compileMap(schema: StructuralSchema, preserve: boolean): MapType {
  const fields = new Map<string, MergeType>();
  for (const [name, field] of Object.entries(schema.properties ?? {})) fields.set(name, compile(field, preserve));
  return { fields, element: elementOf(schema, preserve, fields.size), atomic: schema['x-kubernetes-map-type'] === 'atomic' };
}

function elementOf(schema: StructuralSchema, preserve: boolean, fields: number): MergeType | undefined {
  const additional = schema.additionalProperties;
  if (typeof additional === 'object') return compile(additional, preserve);
  if (additional === true) return deduced;
  if (additional === false) return undefined;
  return preserve || fields === 0 ? deduced : undefined;
}

function compileList(schema: StructuralSchema, preserve: boolean): ListType {
  const kind = schema['x-kubernetes-list-type'] ?? 'atomic';
  const keyDefaults: JsonObject = {};
  const keys = kind === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : [];
  for (const key of keys) {
    const fallback = schema.items?.properties?.[key]?.default;
    if (fallback !== undefined) keyDefaults[key] = fallback;
  }
  return { associative: kind !== 'atomic', keys, keyDefaults, element: schema.items ? compile(schema.items, preserve) : untyped };
}

/** The one form that fits a value, when the type has it; null and absent values fit every form. */
export function deduce(type: MergeType, value: JsonValue | undefined): MergeType {
  if (value === undefined || value === null) return type;
  if (Array.isArray(value)) return type.list ? { list: type.list } : type;
  if (isObject(value)) return type.map ? { map: type.map } : type;
  return type.scalar ? { scalar: type.scalar } : type;
}

export function sameForms(left: MergeType, right: MergeType): boolean {
  return left.map === right.map && left.list === right.list && left.scalar === right.scalar;
}

export function fieldType(map: MapType, key: string): MergeType {
  return map.fields.get(key) ?? map.element ?? untyped;
}

/** The path element of an item of an associative list, or why it cannot have one. */
export function itemElement(list: ListType, item: JsonValue): { element: string } | { problem: string } {
  if (list.keys.length > 0) return keyedElement(list, item);
  if (item === null) return { problem: "associative list without keys has an element that's an explicit null" };
  if (Array.isArray(item)) return { problem: 'not supported: associative list with lists as elements' };
  if (isObject(item)) return { problem: "associative list without keys has an element that's a map type" };
  return { element: valueElement(item) };
}

function keyedElement(list: ListType, item: JsonValue): { element: string } | { problem: string } {
  if (item === null) return { problem: 'associative list with keys may not have a null element' };
  if (!isObject(item)) return { problem: 'associative list with keys may not have non-map elements' };
  const keys: JsonObject = {};
  for (const key of list.keys) {
    const value = property(item, key) ?? list.keyDefaults[key];
    if (value !== undefined) keys[key] = value;
  }
  if (Object.keys(keys).length === 0) {
    const names = list.keys.map((key) => JSON.stringify(key)).join(' ');
    return {
      problem: `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
    };
  }
  return { element: keyElement(keys) };
}
