// Field ownership of creates, updates and patches. Algorithm: k8s.io/apimachinery, util/managedfields.
import { equalJson, isObject, type JsonObject, type JsonValue, property } from '../schema/json.ts';
import { atServedVersion, doorOf, withoutIdentity } from './door.ts';
import { isEmpty, union } from './fields/field-set.ts';
import { typeProblem } from './fields/type-check.ts';
import { capUpdaters, type ManagerEntry, type Managers, managerKey, readManagers, writeManagers } from './managers.ts';
import type { Writer } from './outcome.ts';
import { ownershipAfterUpdate } from './ownership.ts';

/**
 * `next` with the managedFields that it should be stored with. Give `live` undefined for a create. Call it on the defaulted
 * object, before `prepareForUpdate`: what a door cannot change is left out here too.
 */
export function updateManagedFields(live: JsonObject | undefined, next: JsonObject, writer: Writer): JsonObject {
  const bare = withManagedFields(next, undefined);
  const before = live ?? { ...writer.zero, apiVersion: writer.kind.apiVersion, kind: writer.kind.definition.kind };
  const managers = claimedManagers(before, next, writer);
  // Tracking ends when managedFields are reset, and begins again with the first apply.
  if (managers.size === 0 && live) return bare;
  const door = doorOf(writer.kind, writer.subresource);
  const bareLive = withManagedFields(before, undefined);
  if (typeProblem(door.type, bare, { allowDuplicates: true }) || typeProblem(door.type, bareLive, { allowDuplicates: true })) {
    return bare;
  }
  return withManagedFields(bare, capUpdaters(recordUpdate(bareLive, bare, managers, writer)));
}

/** A client may rewrite managedFields through the main resource; forgetting to send them deletes nothing. */
function claimedManagers(live: JsonObject, next: JsonObject, writer: Writer): Managers {
  const fromLive = () => readManagers(managedFieldsOf(live)) ?? new Map<string, ManagerEntry>();
  if (writer.subresource !== undefined) return fromLive();
  const claimed = managedFieldsOf(next);
  if (isReset(claimed)) return new Map();
  const managers = readManagers(claimed);
  return managers && managers.size > 0 ? managers : fromLive();
}

/** `managedFields: [{}]`. An empty list is no reset: it reads as left out. */
function isReset(managedFields: JsonValue | undefined): boolean {
  const [first, second] = Array.isArray(managedFields) ? managedFields : [];
  return isObject(first) && Object.keys(first).length === 0 && second === undefined;
}

/** The updater gets what it changed, added to what it owned before. */
export function recordUpdate(live: JsonObject, next: JsonObject, managers: Managers, writer: Writer): Map<string, ManagerEntry> {
  const door = doorOf(writer.kind, writer.subresource);
  const { managers: after, changed } = ownershipAfterUpdate(door, live, next, atServedVersion(managers, writer.kind.apiVersion));
  const fields = withoutIdentity(changed);
  if (isEmpty(fields)) return after;
  const entry: ManagerEntry = {
    manager: writer.manager === '' ? 'unknown' : writer.manager,
    operation: 'Update',
    apiVersion: writer.kind.apiVersion,
    subresource: writer.subresource ?? '',
    time: writer.now,
    fields,
  };
  const key = managerKey(entry);
  const before = after.get(key);
  return after.set(key, before ? { ...entry, fields: union(before.fields, fields) } : entry);
}

export function managedFieldsOf(object: JsonObject): JsonValue | undefined {
  const metadata = property(object, 'metadata');
  return isObject(metadata) ? property(metadata, 'managedFields') : undefined;
}

export function withManagedFields(object: JsonObject, managers: Managers | undefined): JsonObject {
  const metadata = property(object, 'metadata');
  if (!isObject(metadata)) return object;
  const { managedFields: _, ...rest } = metadata;
  const written = managers && managers.size > 0 ? { managedFields: writeManagers(managers) } : {};
  return { ...object, metadata: { ...rest, ...written } };
}

/** True when a write changed nothing but times in managedFields: then nothing is stored and resourceVersion stays. */
export function isUnchanged(live: JsonObject, next: JsonObject): boolean {
  const bare = (object: JsonObject) => withManagedFields(object, undefined);
  return equalJson(bare(live), bare(next)) && equalJson(timeless(managedFieldsOf(live)), timeless(managedFieldsOf(next)));
}

/** Times decide the order of entries, so equal entries are compared in an order without them. */
function timeless(entries: JsonValue | undefined): JsonValue | undefined {
  if (!Array.isArray(entries)) return entries;
  return entries
    .map((entry) => (isObject(entry) ? { ...entry, time: null } : entry))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
