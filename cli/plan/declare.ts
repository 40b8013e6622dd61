// What a fleet's objects are once its manifests are applied, worked out without a server: the merge of server-side apply, defaults,
// schema and rules are those that the embedded API server uses. Pure.
import type { FileError, ManifestObject } from '../../controller/fleet/manifest.ts';
import { describe, identityOf } from '../../controller/fleet/manifest.ts';
import { explainCause, explainText, type Refusal } from '../../controller/fleet/refusal.ts';
import { annotations, fieldManagers } from '../../crds/names.ts';
import { applyPatch } from '../../standalone/apply/apply.ts';
import { isObject, type JsonObject } from '../../standalone/schema/json.ts';
import type { CompiledKind } from '../../standalone/schema/kind.ts';
import { noField } from '../../standalone/schema/validation/field-error.ts';
import { metadataOf, text } from '../../standalone/storage/stored-object.ts';
import { type ObjectsById, type PlanKinds, toJson } from './plan-kinds.ts';

export interface Declaration {
  /** What is there whatever the manifests say. */
  underneath: ObjectsById;
  /** What there was before, for what may not change and for what cannot be read now. */
  previous: ObjectsById;
  manifests: readonly ManifestObject[];
  /** What the manifests declared before; of these, those that are gone are pruned. */
  declaredBefore: ReadonlySet<string>;
  /** What `previous` was made of: a manifest that is among them makes the same object again. */
  unchanged?: ReadonlyMap<string, ManifestObject>;
  prune: boolean;
  /** Files that could not be read: nothing is pruned then. */
  errors: readonly FileError[];
  /** Of objects that are new. */
  creationTimestamp: string;
}

export interface Declared {
  objects: Map<string, JsonObject>;
  errors: FileError[];
  declared: Set<string>;
  /** Those that were not refused. */
  applied: Map<string, ManifestObject>;
}

export function declare(kinds: PlanKinds, declaration: Declaration): Declared {
  const { underneath, previous, manifests, creationTimestamp } = declaration;
  const objects = new Map(underneath);
  const errors = [...declaration.errors];
  const declared = new Set<string>();
  const taken = new Map<string, ManifestObject>();
  for (const entry of manifests) {
    const id = identityOf(entry);
    declared.add(id);
    const kind = kinds.get(entry.object.kind);
    if (!kind) continue; // namespaces and the like: nothing that a plan decides on
    const live = underneath.get(id);
    const old = previous.get(id);
    if (old && declaration.unchanged?.get(id) === entry) {
      objects.set(id, old);
      taken.set(id, entry);
      continue;
    }
    // What is never applied from here is on a cluster only where somebody else has put it; of files alone nobody knows.
    if (!live && underneath === previous && policyOf(entry) === 'Ignore') continue;
    const applied = apply(kind, entry, { live, old, creationTimestamp });
    if (applied.kind === 'applied') {
      objects.set(id, applied.object);
      taken.set(id, entry);
    } else {
      errors.push(...applied.refusals.map((refusal) => locate(entry, refusal)));
      // The last good state stays.
      if (old) objects.set(id, old);
    }
  }
  takeAway(objects, declared, errors.length > 0, declaration);
  return { objects, errors, declared, applied: taken };
}

/** What is declared no more goes, unless it is protected, or nobody knows what the files declare. */
function takeAway(
  objects: Map<string, JsonObject>,
  declared: ReadonlySet<string>,
  unreadable: boolean,
  declaration: Declaration,
): void {
  const { declaredBefore, previous, underneath, prune } = declaration;
  for (const id of declaredBefore) {
    if (declared.has(id)) continue;
    const was = previous.get(id);
    if (!prune || unreadable || isProtected(was)) {
      if (was) objects.set(id, was);
    } else if (underneath === previous) objects.delete(id); // on a cluster what it holds was applied from here
  }
}

function isProtected(object: JsonObject | undefined): boolean {
  const { annotations: own } = metadataOf(object ?? {});
  return isObject(own) && own[annotations.prune] === 'disabled';
}

function policyOf({ object }: ManifestObject): string | undefined {
  return object.metadata.annotations?.[annotations.ssa];
}

type Applied = { kind: 'applied'; object: JsonObject } | { kind: 'refused'; refusals: Refusal[] };

function apply(
  kind: CompiledKind,
  entry: ManifestObject,
  given: { live: JsonObject | undefined; old: JsonObject | undefined; creationTimestamp: string },
): Applied {
  const { live: present, old, creationTimestamp } = given;
  const { object } = entry;
  const policy = policyOf(entry);
  if (present && (policy === 'Ignore' || policy === 'IfNotPresent')) return { kind: 'applied', object: present };
  const { object: sent, unknown, malformed } = kind.prune(toJson(object));
  if (malformed !== undefined) return { kind: 'refused', refusals: [explainText(object, malformed)] };
  if (unknown.length > 0)
    return { kind: 'refused', refusals: unknown.map((path) => explainText(object, `unknown field "${path}"`)) };
  let next: JsonObject;
  if (present) {
    const writer = { manager: fieldManagers.fleet, kind, now: creationTimestamp, force: true };
    const merged = applyPatch(present, sent, writer);
    if (merged.kind !== 'applied') return { kind: 'refused', refusals: [explainText(object, merged.message)] };
    next = kind.prepareForUpdate(merged.object, present);
  } else next = stamped(kind.prepareForCreate(kind.default(sent)), old, creationTimestamp);
  const causes = kind.validate(next, old ?? present);
  if (causes.length === 0) return { kind: 'applied', object: next };
  // That rules were not looked at because of the others says nothing that helps.
  const telling = causes.filter(({ field }) => field !== noField);
  return {
    kind: 'refused',
    refusals: (telling.length === 0 ? causes : telling).map(({ field, message }) => explainCause(object, field, message)),
  };
}

/** The identity that an API server would give it, or gave it: the same object keeps it. */
function stamped(object: JsonObject, old: JsonObject | undefined, creationTimestamp: string): JsonObject {
  const metadata = metadataOf(object);
  const was = metadataOf(old ?? {});
  return {
    ...object,
    metadata: {
      ...metadata,
      uid: was['uid'] ?? `planned-${text(object, 'kind')}-${text(metadata, 'namespace')}-${text(metadata, 'name')}`,
      resourceVersion: '0',
      creationTimestamp: was['creationTimestamp'] ?? creationTimestamp,
    },
  };
}

function locate(entry: ManifestObject, { field, message }: Refusal): FileError {
  return { file: entry.file, ...entry.locate(field), message: `${describe(entry)}: ${message}` };
}
