// Who owns what after an update or an apply. Algorithm: structured-merge-diff, merge/update.go.
import { equalJson, type JsonObject, objectOf } from '../schema/json.ts';
import { type Comparison, compare, withoutFields } from './fields/comparison.ts';
import {
  difference,
  emptySet,
  type FieldSet,
  intersection,
  isEmpty,
  pathsOf,
  recursiveDifference,
  union,
} from './fields/field-set.ts';
import { merge } from './fields/merge.ts';
import type { MergeType } from './fields/merge-type.ts';
import { fieldsOf } from './fields/owned-fields.ts';
import { removeFields, withNamedFields } from './fields/removal.ts';
import type { ManagerEntry, Managers } from './managers.ts';

export interface Conflict {
  readonly owner: ManagerEntry;
  readonly path: readonly string[];
}

/** What both kinds of write are given: the kind's types, and the fields that the door they came through cannot change. */
export interface Door {
  readonly type: MergeType;
  readonly resetFields: FieldSet;
}

/** Ownership after a create, update or patch: changed fields leave everyone else and go to the updater. */
export function ownershipAfterUpdate(
  door: Door,
  live: JsonObject,
  next: JsonObject,
  managers: Managers,
): { managers: Map<string, ManagerEntry>; changed: FieldSet } {
  const comparison = withoutFields(compare(door.type, live, next), door.resetFields);
  return { managers: takeFields(managers, comparison), changed: union(comparison.modified, comparison.added) };
}

export type ApplyResult =
  | { kind: 'conflicts'; conflicts: Conflict[] }
  /** `object` is undefined when the apply changed nothing in the object itself. */
  | { kind: 'applied'; object: JsonObject | undefined; managers: Map<string, ManagerEntry> };

/** Ownership and object after an apply by `applier`, whose fields are replaced by those of the configuration. */
export function ownershipAfterApply(
  door: Door,
  live: JsonObject,
  configuration: JsonObject,
  managers: Managers,
  applier: { key: string; entry: Omit<ManagerEntry, 'fields'>; force: boolean },
): ApplyResult {
  const last = managers.get(applier.key);
  const fields = recursiveDifference(fieldsOf(door.type, configuration), door.resetFields);
  const withApplier = new Map(managers).set(applier.key, { ...applier.entry, fields });
  const merged = objectOf(merge(door.type, live, configuration));
  const next = prune(door.type, merged, withApplier, { last: last?.fields ?? emptySet(), applied: fields });

  const comparison = withoutFields(compare(door.type, live, next), door.resetFields);
  const others = new Map(withApplier);
  others.delete(applier.key);
  const conflicts = applier.force ? [] : conflictsOf(others, comparison);
  if (conflicts.length > 0) return { kind: 'conflicts', conflicts };
  const result = takeFields(others, comparison);
  if (!isEmpty(fields)) result.set(applier.key, { ...applier.entry, fields });
  return { kind: 'applied', object: equalJson(live, next) ? undefined : next, managers: result };
}

function conflictsOf(others: Managers, comparison: Comparison): Conflict[] {
  const changed = union(comparison.modified, comparison.added);
  return [...others.values()].flatMap((owner) => pathsOf(intersection(owner.fields, changed)).map((path) => ({ owner, path })));
}

function takeFields(managers: Managers, comparison: Comparison): Map<string, ManagerEntry> {
  const gone = union(union(comparison.modified, comparison.added), comparison.removed);
  const result = new Map<string, ManagerEntry>();
  for (const [key, entry] of managers) {
    const fields = difference(entry.fields, gone);
    if (!isEmpty(fields)) result.set(key, { ...entry, fields });
  }
  return result;
}

/** Removes what the applier applied last time and not this time, unless anyone owns it now. */
function prune(
  type: MergeType,
  merged: JsonObject,
  managers: Managers,
  { last, applied }: { last: FieldSet; applied: FieldSet },
): JsonObject {
  if (isEmpty(last)) return merged;
  // Most appliers say the same fields again with other values: then every field of the last time is owned, and nothing goes.
  if (isEmpty(difference(last, applied))) return merged;
  const named = (set: FieldSet) => withNamedFields(type, set);
  const mergedFields = named(fieldsOf(type, merged));

  let pruned = objectOf(removeFields(type, merged, named(last)));
  const owned = named([...managers.values()].reduce((all, entry) => union(all, entry.fields), emptySet()));
  pruned = objectOf(removeFields(type, merged, difference(mergedFields, union(named(fieldsOf(type, pruned)), owned))));
  const dropped = difference(mergedFields, named(fieldsOf(type, pruned)));
  return objectOf(removeFields(type, merged, intersection(dropped, named(last))));
}
