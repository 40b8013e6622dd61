// What a change did, field by field.
import { equalJson, isObject, type JsonObject, type JsonValue, property } from '../../schema/json.ts';
import { emptySet, type FieldSet, fieldElement, insert, recursiveDifference } from './field-set.ts';
import { deduce, fieldType, itemElement, type ListType, type MapType, type MergeType, sameForms } from './merge-type.ts';

/** No field is in more than one of the sets. */
export interface Comparison {
  readonly removed: FieldSet;
  readonly modified: FieldSet;
  readonly added: FieldSet;
}

interface Pair {
  old: JsonValue | undefined;
  next: JsonValue | undefined;
  path: readonly string[];
}

/** Algorithm: structured-merge-diff, typed/compare.go. */
export function compare(type: MergeType, old: JsonValue, next: JsonValue): Comparison {
  const comparison = { removed: emptySet(), modified: emptySet(), added: emptySet() };
  compareAt(type, { old, next, path: [] }, comparison);
  return comparison;
}

export function withoutFields(comparison: Comparison, fields: FieldSet): Comparison {
  return {
    removed: recursiveDifference(comparison.removed, fields),
    modified: recursiveDifference(comparison.modified, fields),
    added: recursiveDifference(comparison.added, fields),
  };
}

function compareAt(type: MergeType, pair: Pair, comparison: Comparison): void {
  const before = deduce(type, pair.old);
  const after = deduce(type, pair.next);
  let leaf: boolean;
  if (pair.next === undefined) leaf = compareForm(before, pair, comparison);
  else {
    // A value that changed its form (a number became an object) is looked at both ways.
    if (pair.old !== undefined && !sameForms(before, after)) compareForm(before, pair, comparison);
    leaf = compareForm(after, pair, comparison);
  }
  if (leaf) return;
  if (pair.old === undefined) insert(comparison.added, pair.path);
  else if (pair.next === undefined) insert(comparison.removed, pair.path);
}

/** True when the pair was compared as one field. */
function compareForm(form: MergeType, pair: Pair, comparison: Comparison): boolean {
  if (form.map) return compareMaps(form.map, pair, comparison);
  if (form.list && !form.scalar) return compareLists(form.list, pair, comparison);
  return compareLeaf(pair, comparison);
}

function compareLeaf({ old, next, path }: Pair, comparison: Comparison): true {
  if (old === undefined) insert(comparison.added, path);
  else if (next === undefined) insert(comparison.removed, path);
  else if (!equalJson(old, next)) insert(comparison.modified, path);
  return true;
}

function compareMaps(map: MapType, pair: Pair, comparison: Comparison): boolean {
  const old = isObject(pair.old) ? pair.old : undefined;
  const next = isObject(pair.next) ? pair.next : undefined;
  const bothEmpty = Object.keys(old ?? {}).length === 0 && Object.keys(next ?? {}).length === 0;
  if (map.atomic || bothEmpty) return compareLeaf(pair, comparison);
  for (const key of new Set([...Object.keys(old ?? {}), ...Object.keys(next ?? {})])) {
    const item = { old: valueAt(old, key), next: valueAt(next, key), path: [...pair.path, fieldElement(key)] };
    compareAt(fieldType(map, key), item, comparison);
  }
  return false;
}

function valueAt(object: JsonObject | undefined, key: string): JsonValue | undefined {
  return object && property(object, key);
}

function compareLists(list: ListType, pair: Pair, comparison: Comparison): boolean {
  const old = Array.isArray(pair.old) ? pair.old : [];
  const next = Array.isArray(pair.next) ? pair.next : [];
  if (!list.associative || (old.length === 0 && next.length === 0)) return compareLeaf(pair, comparison);
  const before = groupItems(list, old);
  const after = groupItems(list, next);
  for (const element of new Set([...before.keys(), ...after.keys()])) {
    compareItems(
      list,
      { old: before.get(element) ?? [], next: after.get(element) ?? [], path: [...pair.path, element] },
      comparison,
    );
  }
  return false;
}

function groupItems(list: ListType, items: readonly JsonValue[]): Map<string, JsonValue[]> {
  const groups = new Map<string, JsonValue[]>();
  for (const item of items) {
    const found = itemElement(list, item);
    if (!('element' in found)) continue;
    const group = groups.get(found.element);
    if (group) group.push(item);
    else groups.set(found.element, [item]);
  }
  return groups;
}

/** Items under one key: usually one on each side; duplicates count as one field. */
function compareItems(
  list: ListType,
  { old, next, path }: { old: JsonValue[]; next: JsonValue[]; path: readonly string[] },
  comparison: Comparison,
): void {
  if (old.length <= 1 && next.length <= 1) {
    compareAt(list.element, { old: old[0], next: next[0], path }, comparison);
  } else if (old.length > 1 && next.length > 1) {
    if (!equalJson(old, next)) insert(comparison.modified, path);
  } else if (old.length > 1) {
    if (next.length === 1) compareAt(list.element, { old: undefined, next: next[0], path }, comparison);
    insert(comparison.removed, path);
  } else {
    if (old.length === 1) compareAt(list.element, { old: old[0], next: undefined, path }, comparison);
    insert(comparison.added, path);
  }
}
