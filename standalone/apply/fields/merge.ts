// Lays an applied configuration over a live object.
import { isObject, type JsonObject, type JsonValue, property, setProperty } from '../../schema/json.ts';
import { deduce, fieldType, itemElement, type ListType, type MapType, type MergeType } from './merge-type.ts';

/**
 * Removes nothing; where both have a leaf, the applied one wins. Items of associative lists keep the live order where the
 * applied list does not change it, else the applied order. Algorithm: structured-merge-diff, typed/merge.go.
 */
export function merge(type: MergeType, live: JsonValue | undefined, applied: JsonValue | undefined): JsonValue | undefined {
  const form = deduce(type, applied === undefined ? live : applied);
  if (form.map) return mergeMaps(form.map, live, applied);
  if (form.list && !form.scalar) return mergeLists(form.list, live, applied);
  return applied === undefined ? live : applied;
}

function mergeMaps(map: MapType, live: JsonValue | undefined, applied: JsonValue | undefined): JsonValue | undefined {
  const left = isObject(live) ? live : {};
  const right = isObject(applied) ? applied : {};
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  if (map.atomic || keys.size === 0) return applied === undefined ? live : applied;
  const out: JsonObject = {};
  for (const key of keys) {
    const value = merge(fieldType(map, key), property(left, key), property(right, key));
    if (value !== undefined) setProperty(out, key, value);
  }
  return Object.keys(out).length > 0 ? out : undefined;
}

interface Item {
  element: string;
  value: JsonValue;
}

function itemsOf(list: ListType, values: readonly JsonValue[]): Item[] {
  return values.flatMap((value) => {
    const found = itemElement(list, value);
    return 'element' in found ? [{ element: found.element, value }] : [];
  });
}

function mergeLists(list: ListType, live: JsonValue | undefined, applied: JsonValue | undefined): JsonValue | undefined {
  const left = Array.isArray(live) ? live : [];
  const right = Array.isArray(applied) ? applied : [];
  if (!list.associative || (left.length === 0 && right.length === 0)) return applied === undefined ? live : applied;
  const out = mergeItems(list, itemsOf(list, left), itemsOf(list, right));
  return out.length > 0 ? out : undefined;
}

function mergeItems(list: ListType, live: readonly Item[], applied: readonly Item[]): JsonValue[] {
  const liveByElement = new Map<string, JsonValue>();
  // A duplicated item is not merged with the applied one: null stands for it.
  for (const { element, value } of live) liveByElement.set(element, liveByElement.has(element) ? null : value);
  const appliedByElement = new Map(applied.map(({ element, value }) => [element, value]));
  const shared = applied.filter(({ element }) => liveByElement.has(element)).map(({ element }) => element);
  const taken = new Set<string>();
  const out: JsonValue[] = [];
  const put = (value: JsonValue | undefined) => {
    if (value !== undefined) out.push(value);
  };
  const takeApplied = (element: string) => {
    taken.add(element);
    put(merge(list.element, liveByElement.get(element), appliedByElement.get(element)));
    if (shared[0] === element) shared.shift();
  };

  let l = 0;
  let r = 0;
  while (l < live.length || r < applied.length) {
    const left = live[l];
    const right = applied[r];
    if (left && right && left.element === right.element) {
      takeApplied(left.element);
      l++;
      r++;
      continue;
    }
    if (left && right && appliedByElement.has(left.element) && shared.length > 0 && shared[0] !== left.element) {
      l++; // Shared, but the applied list wants another shared item first.
      continue;
    }
    if (left && !appliedByElement.has(left.element)) {
      put(merge(list.element, left.value, undefined));
      l++;
      continue;
    }
    if (left && taken.has(left.element)) l++;
    if (right) {
      takeApplied(right.element);
      r++;
    }
  }
  return out;
}
