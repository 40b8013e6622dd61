import { isUnchanged, updateManagedFields } from '../apply/update.ts';
import { conflict, modified, notFound, refuseInvalid, StatusError } from '../http/status-error.ts';
import type { JsonObject, JsonValue } from '../schema/json.ts';
import type { Transaction } from '../storage/object-store.ts';
import { finalizersOf, isBeingDeleted, metadataOf, nameOf, text, uidOf, withMetadata } from '../storage/stored-object.ts';
import { fromStorage, type NamedTarget, type RegistryContext, readServed, timestamp, toStorage } from './context.ts';
import type { Written } from './create.ts';
import { type Decoded, decodeObject, placeObject, type Sent } from './decode.ts';
import { type KindSubresource, qualifiedResource, storageKey } from './served-kind.ts';
import type { WriteOptions } from './write-options.ts';

export interface UpdateTarget extends NamedTarget {
  readonly subresource: KindSubresource | undefined;
}

export async function replaceObject(
  context: RegistryContext,
  target: UpdateTarget,
  sent: Sent,
  options: WriteOptions,
): Promise<Written> {
  const decoded = decodeObject(target.kind, sent, options.fieldValidation);
  const object = await context.store.write(
    (transaction) => {
      const live = readServed(transaction, target, target.name);
      target.admit?.(live);
      if (live === undefined) throw notFound(target.kind, target.name);
      checkUid(target, decoded.object, live);
      return updateDecoded(context, transaction, target, live, decoded, options);
    },
    { dryRun: options.dryRun },
  );
  return { object, warnings: decoded.warnings, created: false };
}

/** A decoded object against the live one: identity, version, managed fields, then `commitUpdate`. */
export function updateDecoded(
  context: RegistryContext,
  transaction: Transaction,
  target: UpdateTarget,
  live: JsonObject,
  decoded: Decoded,
  options: WriteOptions,
): JsonObject {
  const placed = placeObject(decoded.object, target);
  checkVersion(target, placed, live);
  const owned = updateManagedFields(live, placed, {
    manager: options.manager,
    kind: target.kind.compiled,
    now: timestamp(context.clock),
    ...(target.subresource === undefined ? {} : { subresource: 'status' }),
  });
  return commitUpdate(context, transaction, target, live, owned, options);
}

/** Isolates, validates and stores; answers the live object untouched when nothing changed, and deletes it when its last finalizer went. */
export function commitUpdate(
  context: RegistryContext,
  transaction: Transaction,
  target: UpdateTarget,
  live: JsonObject,
  next: JsonObject,
  options: WriteOptions,
): JsonObject {
  const { kind, name } = target;
  const subresource = target.subresource === undefined ? undefined : 'status';
  const prepared = withServerMetadata(isolate(target, next, live, timestamp(context.clock)), live);
  const causes = [
    ...kind.compiled.validate(prepared, live, subresource),
    ...(kind.changeCauses?.(prepared, live, target.subresource) ?? []),
  ];
  target.admit?.(live, prepared);
  refuseInvalid(kind, name, causes);
  // The time of a managedFields entry alone is no change: otherwise every repeated apply would wake every watcher.
  if (isUnchanged(live, prepared)) return live;
  const key = storageKey(kind, target.namespace, name);
  if (isBeingDeleted(live) && finalizersOf(prepared).length === 0 && kind !== context.registry.namespaces) {
    transaction.remove(key, toStorage(kind, prepared));
    return prepared;
  }
  const stored = fromStorage(kind, transaction.put(key, toStorage(kind, prepared)));
  return options.dryRun ? withMetadata(stored, { resourceVersion: metadataOf(live)['resourceVersion'] }) : stored;
}

const serverFields = ['uid', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const;

/** What a client may leave out because only the server writes it; another value than the stored one is found by validation. */
function withServerMetadata(next: JsonObject, live: JsonObject): JsonObject {
  const before = metadataOf(live);
  const sent = metadataOf(next);
  const filled = serverFields.map((field): [string, JsonValue | undefined] => [field, sent[field] ?? before[field]]);
  const { creationTimestamp, resourceVersion } = before;
  return withMetadata(next, { ...Object.fromEntries(filled), creationTimestamp, resourceVersion });
}

/** Spec or status, as the path says. */
function isolate(target: UpdateTarget, next: JsonObject, live: JsonObject, now: string): JsonObject {
  const subresource = target.subresource === undefined ? undefined : 'status';
  const prepared = target.kind.compiled.prepareForUpdate(next, live, subresource);
  return target.kind.isolate ? target.kind.isolate(prepared, live, target.subresource, now) : prepared;
}

/** A replacement that names a uid means that object and no other of the same name. */
function checkUid(target: UpdateTarget, next: JsonObject, live: JsonObject): void {
  const uid = uidOf(next);
  if (uid === '' || uid === uidOf(live)) return;
  throw conflict(
    target.kind,
    target.name,
    `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${uidOf(live)}`,
  );
}

function checkVersion(target: UpdateTarget, next: JsonObject, live: JsonObject): void {
  const { kind, name } = target;
  const wanted = text(metadataOf(next), 'resourceVersion');
  if (wanted === '' && !kind.unconditionalUpdate) {
    const { group, plural } = kind.compiled.definition;
    const message = 'Invalid value: 0: must be specified for an update';
    const field = 'metadata.resourceVersion';
    throw new StatusError(422, 'Invalid', `${qualifiedResource(kind)} "${name}" is invalid: ${field}: ${message}`, {
      name,
      group,
      kind: plural,
      causes: [{ reason: 'FieldValueInvalid', message, field }],
    });
  }
  if (wanted !== '' && wanted !== text(metadataOf(live), 'resourceVersion')) throw modified(kind, nameOf(live));
}
