// Takes owned fields out of an object.
import { isObject, type JsonObject, type JsonValue, setProperty } from '../../schema/json.ts';
import { emptySet, type FieldSet, fieldElement, isEmpty } from './field-set.ts';
import { deduce, fieldType, itemElement, type ListType, type MapType, type MergeType } from './merge-type.ts';

const nothing = emptySet();

/** Algorithm: structured-merge-diff, typed/remove.go. A container that loses everything becomes null. */
export function removeFields(type: MergeType, value: JsonValue, fields: FieldSet): JsonValue {
  const form = deduce(type, value);
  if (form.map) return removeFromMap(form.map, value, fields);
  if (form.scalar) return value;
  return form.list ? removeFromList(form.list, value, fields) : value;
}

function removeFromMap(map: MapType, value: JsonValue, fields: FieldSet): JsonValue {
  if (!isObject(value) || map.atomic) return null;
  const out: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    const element = fieldElement(key);
    if (fields.members.has(element)) continue;
    const below = fields.children.get(element) ?? nothing;
    setProperty(out, key, isEmpty(below) ? item : removeFields(fieldType(map, key), item, below));
  }
  return Object.keys(out).length > 0 ? out : null;
}

function removeFromList(list: ListType, value: JsonValue, fields: FieldSet): JsonValue {
  if (!Array.isArray(value) || !list.associative) return null;
  const out: JsonValue[] = [];
  for (const item of value) {
    const found = itemElement(list, item);
    const element = 'element' in found ? found.element : '';
    if (fields.members.has(element)) continue;
    const below = fields.children.get(element) ?? nothing;
    out.push(isEmpty(below) ? item : removeFields(list.element, item, below));
  }
  return out.length > 0 ? out : null;
}

/** Adds the named fields on the way to each path: a set of `.a.b.c` also gets `.a`, but not `.a.b` when b is a key of a free map. */
export function withNamedFields(type: MergeType | undefined, set: FieldSet): FieldSet {
  const members = new Set(set.members);
  const children = new Map<string, FieldSet>();
  for (const [element, child] of set.children) {
    let below: MergeType | undefined;
    if (element.startsWith('f:') && type?.map) {
      const name = element.slice(2);
      if (type.map.fields.has(name)) members.add(element);
      below = type.map.fields.get(name) ?? type.map.element;
    } else if (element.startsWith('k:')) below = type?.list?.element;
    children.set(element, withNamedFields(below, child));
  }
  return { members, children };
}
