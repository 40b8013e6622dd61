// Server-side apply. Algorithm: k8s.io/apimachinery, util/managedfields, and structured-merge-diff.
import { isObject, type JsonObject, type JsonValue, property, setProperty, textAt } from '../schema/json.ts';
import { metadataOf } from '../schema/metadata/object-meta.ts';
import { atServedVersion, doorOf, withoutIdentity } from './door.ts';
import { compare } from './fields/comparison.ts';
import { difference, type FieldSet, formatPath, hasPath, isEmpty } from './fields/field-set.ts';
import { fieldsOf } from './fields/owned-fields.ts';
import { typeProblem } from './fields/type-check.ts';
import { formatManager, type ManagerEntry, type Managers, managerKey, readManagers } from './managers.ts';
import type { ApplyOutcome, ApplyWriter } from './outcome.ts';
import { type ApplyResult, type Conflict, ownershipAfterApply } from './ownership.ts';
import { managedFieldsOf, recordUpdate, withManagedFields } from './update.ts';

/**
 * Merges what a manager applies into the live object (undefined: it is created). The result has its managedFields and defaults
 * and still has to be prepared and validated.
 */
export function applyPatch(live: JsonObject | undefined, applied: JsonObject, writer: ApplyWriter): ApplyOutcome {
  const identity = { apiVersion: writer.kind.apiVersion, kind: writer.kind.definition.kind };
  const refusal = refuse(applied, writer);
  if (refusal) return refusal;
  const before = withManagedFields(live ?? identity, undefined);
  const door = doorOf(writer.kind, writer.subresource);
  const problem = typeProblem(door.type, applied, { allowDuplicates: false });
  if (problem)
    return { kind: 'refused', status: 500, message: `failed to create typed patch object (${describe(applied)}): ${problem}` };

  const managers = trackedManagers(live, before, writer);
  if (!managers) return { kind: 'refused', status: 500, message: 'failed to decode managed fields' };
  const result = applyUpgradingKubectl(before, applied, managers, writer);
  if (result.kind === 'conflicts') return conflictOutcome(result.conflicts);
  const after = stampApplier(result, managers, writer);
  const object = writer.kind.default(result.object ?? before);
  return { kind: 'applied', object: withManagedFields(syncLastApplied(object, applied, writer), after) };
}

function refuse(applied: JsonObject, { kind }: ApplyWriter): ApplyOutcome | undefined {
  if (applied['apiVersion'] !== kind.apiVersion || applied['kind'] !== kind.definition.kind) {
    return { kind: 'refused', status: 400, message: `invalid object type: ${typeOf(applied)}` };
  }
  const managedFields = managedFieldsOf(applied);
  if (managedFields === undefined || managedFields === null) return undefined;
  return { kind: 'refused', status: 400, message: 'metadata.managedFields must be nil' };
}

function describe(applied: JsonObject): string {
  const metadata = metadataOf(applied);
  return `${textAt(metadata, 'namespace')}/${textAt(metadata, 'name')}; ${typeOf(applied)}`;
}

function typeOf(applied: JsonObject): string {
  return `${textAt(applied, 'apiVersion')}, Kind=${textAt(applied, 'kind')}`;
}

/** An object that nobody tracked becomes the property of "before-first-apply", so that nothing is taken unseen. */
function trackedManagers(live: JsonObject | undefined, before: JsonObject, writer: ApplyWriter): Managers | undefined {
  const managers = live ? readManagers(managedFieldsOf(live)) : new Map<string, ManagerEntry>();
  if (!live || !managers || managers.size > 0) return managers && atServedVersion(managers, writer.kind.apiVersion);
  const empty = { apiVersion: writer.kind.apiVersion, kind: writer.kind.definition.kind };
  return recordUpdate(empty, before, managers, { ...writer, manager: 'before-first-apply' });
}

function applierOf(writer: ApplyWriter): { key: string; entry: Omit<ManagerEntry, 'fields'> } {
  const entry = {
    manager: writer.manager,
    operation: 'Apply' as const,
    apiVersion: writer.kind.apiVersion,
    subresource: writer.subresource ?? '',
    time: writer.now,
  };
  return { key: managerKey(entry), entry };
}

/** The time of an applier moves only when the object changed. */
function stampApplier(result: ApplyResult & { kind: 'applied' }, before: Managers, writer: ApplyWriter): Managers {
  const { key } = applierOf(writer);
  const entry = result.managers.get(key);
  if (!entry) return result.managers;
  const fields = withoutIdentity(entry.fields);
  const managers = new Map(result.managers);
  if (isEmpty(fields)) managers.delete(key);
  else managers.set(key, { ...entry, fields, time: result.object ? writer.now : before.get(key)?.time });
  return managers;
}

const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** `kubectl apply --server-side` over an object of `kubectl apply`: what the annotation says and still holds is kubectl's own. */
function applyUpgradingKubectl(before: JsonObject, applied: JsonObject, managers: Managers, writer: ApplyWriter): ApplyResult {
  const door = doorOf(writer.kind, writer.subresource);
  const applier = applierOf(writer);
  const run = (force: boolean) => ownershipAfterApply(door, before, applied, managers, { ...applier, force });
  const result = run(writer.force);
  if (result.kind !== 'conflicts' || writer.manager !== 'kubectl') return result;
  const own = lastAppliedFields(before, writer);
  if (!own) return result;
  const conflicts = result.conflicts.filter(({ path }) => !hasPath(own, path));
  return conflicts.length > 0 ? { kind: 'conflicts', conflicts } : run(true);
}

function lastAppliedFields(live: JsonObject, writer: ApplyWriter): FieldSet | undefined {
  const { type } = doorOf(writer.kind, undefined);
  const applied = parseObject(annotationOf(live));
  if (!applied || applied['apiVersion'] !== writer.kind.apiVersion) return undefined;
  if (typeProblem(type, applied, { allowDuplicates: false }) || typeProblem(type, live, { allowDuplicates: false }))
    return undefined;
  const { modified, added, removed } = compare(type, applied, live);
  return [modified, added, removed].reduce(difference, fieldsOf(type, applied));
}

function annotationOf(object: JsonObject): string | undefined {
  return textAt(annotationsOf(object), lastAppliedAnnotation) || undefined;
}

function annotationsOf(object: JsonObject): JsonObject {
  const annotations = property(metadataOf(object), 'annotations');
  return isObject(annotations) ? annotations : {};
}

function withAnnotations(object: JsonObject, annotations: JsonObject): JsonObject {
  return { ...object, metadata: { ...metadataOf(object), annotations } };
}

function parseObject(text: string | undefined): JsonObject | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // A spoilt annotation is no claim.
  }
}

/** A client-side `kubectl apply` later on finds its annotation up to date. */
function syncLastApplied(object: JsonObject, applied: JsonObject, writer: ApplyWriter): JsonObject {
  if (writer.manager !== 'kubectl' || annotationOf(object) === undefined) return object;
  const value = `${JSON.stringify(sorted(withoutAnnotation(applied)))}\n`;
  return withAnnotations(object, { ...annotationsOf(object), [lastAppliedAnnotation]: value });
}

function withoutAnnotation(applied: JsonObject): JsonObject {
  const { [lastAppliedAnnotation]: own, ...rest } = annotationsOf(applied);
  return own === undefined ? applied : withAnnotations(applied, rest);
}

/** Keys in order, as Go writes them. */
function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const out: JsonObject = {};
  for (const key of Object.keys(value).sort()) setProperty(out, key, sorted(value[key] ?? null));
  return out;
}

function conflictOutcome(conflicts: readonly Conflict[]): ApplyOutcome {
  const sorted = conflicts
    .map(({ owner, path }) => ({ owner: formatManager(owner), field: formatPath(path) }))
    .sort((a, b) => (a.owner === b.owner ? 0 : a.owner < b.owner ? -1 : 1));
  const causes = sorted.map(({ owner, field }) => ({
    reason: 'FieldManagerConflict' as const,
    message: `conflict with ${owner}`,
    field,
  }));
  const [only] = sorted;
  if (only && sorted.length === 1) {
    return { kind: 'conflicts', message: `Apply failed with 1 conflict: conflict with ${only.owner}: ${only.field}`, causes };
  }
  const lines = [...Map.groupBy(sorted, ({ owner }) => owner)].map(
    ([owner, fields]) => `conflicts with ${owner}:\n${fields.map(({ field }) => `- ${field}`).join('\n')}`,
  );
  return { kind: 'conflicts', message: `Apply failed with ${sorted.length} conflicts: ${lines.join('\n')}`, causes };
}
