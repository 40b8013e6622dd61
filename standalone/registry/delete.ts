import { badRequest, conflict, invalidOption, notFound, StatusError } from '../http/status-error.ts';
import { isObject, type JsonObject } from '../schema/json.ts';
import type { Transaction } from '../storage/object-store.ts';
import {
  finalizersOf,
  isBeingDeleted,
  metadataOf,
  nameOf,
  namespaceOf,
  text,
  uidOf,
  withMetadata,
} from '../storage/stored-object.ts';
import { fromStorage, type NamedTarget, type RegistryContext, readServed, type Target, timestamp, toStorage } from './context.ts';
import { selectObjects } from './list.ts';
import type { Selection } from './selection.ts';
import { qualifiedKind, type ServedKind, storageKey } from './served-kind.ts';

export type Propagation = 'Background' | 'Foreground' | 'Orphan';

export interface DeleteOptions {
  readonly dryRun: boolean;
  readonly propagation: Propagation;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
}

const propagations: readonly Propagation[] = ['Background', 'Foreground', 'Orphan'];

/** From the body, which is metav1.DeleteOptions, or the query, which says the same. */
export function readDeleteOptions(body: JsonObject, query: URLSearchParams): DeleteOptions {
  const preconditions = isObject(body['preconditions']) ? body['preconditions'] : {};
  const asked = text(body, 'propagationPolicy') || (query.get('propagationPolicy') ?? '');
  const propagation = asked === '' ? 'Background' : propagations.find((known) => known === asked);
  if (propagation === undefined) {
    const message = `Unsupported value: "${asked}": supported values: "Background", "Foreground", "Orphan"`;
    throw invalidOption('DeleteOptions', { reason: 'FieldValueNotSupported', field: 'propagationPolicy', message });
  }
  const bodyDryRun = body['dryRun'];
  return {
    dryRun: query.has('dryRun') || (Array.isArray(bodyDryRun) && bodyDryRun.includes('All')),
    propagation,
    uid: precondition(preconditions, 'uid'),
    resourceVersion: precondition(preconditions, 'resourceVersion'),
  };
}

/** A precondition that cannot be read must not be taken for none. */
function precondition(preconditions: JsonObject, field: string): string | undefined {
  const value = preconditions[field] ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw badRequest(`preconditions.${field} must be a string, got ${JSON.stringify(value)}`);
}

export type Deletion =
  | { readonly kind: 'removed'; readonly uid: string }
  | { readonly kind: 'pending'; readonly object: JsonObject };

/** Without them the server would lack what it made at its start: where events of devices go, who signs client certificates. */
const lastingNamespaces: readonly string[] = ['default', 'kube-system'];

export async function deleteObject(context: RegistryContext, target: NamedTarget, options: DeleteOptions): Promise<Deletion> {
  if (target.kind === context.registry.namespaces && lastingNamespaces.includes(target.name)) {
    const message = `namespaces "${target.name}" is forbidden: this namespace may not be deleted`;
    throw new StatusError(403, 'Forbidden', message, { name: target.name, kind: 'namespaces' });
  }
  return context.store.write(
    (transaction) => {
      const live = readServed(transaction, target, target.name);
      if (live === undefined) throw notFound(target.kind, target.name);
      checkPreconditions(target, live, options);
      return removeObject(context, transaction, target, live, options.propagation);
    },
    { dryRun: options.dryRun },
  );
}

/** Everything that a selection finds, each with its own finalizers; answers what was found. */
export async function deleteCollection(
  context: RegistryContext,
  target: Target,
  selection: Selection,
  options: DeleteOptions,
): Promise<JsonObject[]> {
  return context.store.write(
    (transaction) => {
      const found = selectObjects(transaction, target, selection);
      for (const object of found) removeObject(context, transaction, placeOf(target, object), object, options.propagation);
      return found;
    },
    { dryRun: options.dryRun },
  );
}

function placeOf(target: Target, object: JsonObject): { kind: ServedKind; namespace: string | undefined; name: string } {
  return { kind: target.kind, namespace: namespaceOf(object) || undefined, name: nameOf(object) };
}

export const foregroundFinalizer = 'foregroundDeletion';
export const orphanFinalizer = 'orphan';

/** Removes at once, or marks as being deleted while finalizers remain. The garbage collector works off its own two finalizers. */
export function removeObject(
  context: RegistryContext,
  transaction: Transaction,
  place: { kind: ServedKind; namespace: string | undefined; name: string },
  live: JsonObject,
  propagation: Propagation,
): Deletion {
  const own = propagation === 'Foreground' ? [foregroundFinalizer] : propagation === 'Orphan' ? [orphanFinalizer] : [];
  const finalizers = [...new Set([...finalizersOf(live), ...own])];
  const key = storageKey(place.kind, place.namespace, place.name);
  const isNamespace = place.kind === context.registry.namespaces;
  if (finalizers.length === 0 && !isNamespace) {
    transaction.remove(key, toStorage(place.kind, live));
    return { kind: 'removed', uid: uidOf(live) };
  }
  if (isBeingDeleted(live)) return { kind: 'pending', object: live };
  const generation = metadataOf(live)['generation'];
  const marked = withMetadata(isNamespace ? { ...live, status: { phase: 'Terminating' } } : live, {
    deletionTimestamp: timestamp(context.clock),
    deletionGracePeriodSeconds: 0,
    ...(finalizers.length === 0 ? {} : { finalizers }),
    ...(typeof generation === 'number' ? { generation: generation + 1 } : {}),
  });
  return { kind: 'pending', object: fromStorage(place.kind, transaction.put(key, toStorage(place.kind, marked))) };
}

function checkPreconditions(target: NamedTarget, live: JsonObject, options: DeleteOptions): void {
  const { group } = target.kind.compiled.definition;
  const refuse = (what: string, wanted: string, found: string, hint: string) => {
    const error = conflict(target.kind, target.name, '');
    const why = `the ${what} in the precondition (${wanted}) does not match the ${what} in record (${found}). ${hint}`;
    const message = `Operation cannot be fulfilled on ${qualifiedKind(target.kind)} "${target.name}": ${why}`;
    const details = { name: target.name, ...(group === '' ? {} : { group }), kind: target.kind.compiled.definition.kind };
    return Object.assign(error, { message, details });
  };
  const uid = uidOf(live);
  const version = text(metadataOf(live), 'resourceVersion');
  if (options.uid !== undefined && options.uid !== uid) {
    throw refuse('UID', options.uid, uid, 'The object might have been deleted and then recreated');
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== version) {
    throw refuse('ResourceVersion', options.resourceVersion, version, 'The object might have been modified');
  }
}
