// The fields that an object mentions: what its author owns.
import { isObject, type JsonValue } from '../../schema/json.ts';
import { emptySet, type FieldSet, fieldElement, insert } from './field-set.ts';
import { deduce, fieldType, itemElement, type ListType, type MapType, type MergeType } from './merge-type.ts';

/** Algorithm: structured-merge-diff, typed/tofieldset.go. The value must have passed `typeProblem`. */
export function fieldsOf(type: MergeType, value: JsonValue): FieldSet {
  const set = emptySet();
  collect(type, value, [], set);
  return set;
}

function collect(type: MergeType, value: JsonValue, path: readonly string[], set: FieldSet): void {
  const form = deduce(type, value);
  if (form.map) collectMap(form.map, value, path, set);
  else if (form.scalar) insert(set, path);
  else if (form.list) collectList(form.list, value, path, set);
}

function collectMap(map: MapType, value: JsonValue, path: readonly string[], set: FieldSet): void {
  if (map.atomic) {
    insert(set, path);
    return;
  }
  if (!isObject(value)) return;
  for (const [key, item] of Object.entries(value)) {
    const here = [...path, fieldElement(key)];
    collect(fieldType(map, key), item, here, set);
    const empty = item === null || (isObject(item) && Object.keys(item).length === 0);
    if (empty || !map.fields.has(key)) insert(set, here);
  }
}

function collectList(list: ListType, value: JsonValue, path: readonly string[], set: FieldSet): void {
  if (!list.associative) {
    insert(set, path);
    return;
  }
  if (!Array.isArray(value)) return;
  const items = value.flatMap((item) => {
    const found = itemElement(list, item);
    return 'element' in found ? [{ element: found.element, item }] : [];
  });
  const counts = new Map<string, number>();
  for (const { element } of items) counts.set(element, (counts.get(element) ?? 0) + 1);
  for (const { element, item } of items) {
    const here = [...path, element];
    // Duplicates are owned as one item: there is no telling whose field is whose.
    if (counts.get(element) === 1) collect(list.element, item, here, set);
    insert(set, here);
  }
}
