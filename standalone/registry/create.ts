import { randomInt, randomUUID } from 'node:crypto';
import { updateManagedFields } from '../apply/update.ts';
import { alreadyExists, invalid, notFound, refuseInvalid, StatusError } from '../http/status-error.ts';
import type { JsonObject } from '../schema/json.ts';
import type { Transaction } from '../storage/object-store.ts';
import { isBeingDeleted, metadataOf, nameOf, text, withMetadata } from '../storage/stored-object.ts';
import { fromStorage, type RegistryContext, readServed, type Target, timestamp, toStorage } from './context.ts';
import { decodeObject, placeObject, type Sent } from './decode.ts';
import { qualifiedResource, storageKey } from './served-kind.ts';
import type { WriteOptions } from './write-options.ts';

export interface Written {
  readonly object: JsonObject;
  readonly warnings: readonly string[];
  readonly created: boolean;
}

export async function createObject(
  context: RegistryContext,
  target: Target,
  sent: Sent,
  options: WriteOptions,
): Promise<Written> {
  const { object: decoded, warnings } = decodeObject(target.kind, sent, options.fieldValidation);
  const placed = placeObject(decoded, target);
  if (text(metadataOf(placed), 'resourceVersion') !== '') {
    throw new StatusError(500, '', 'resourceVersion should not be set on objects to be created');
  }
  const { zero } = target.kind;
  const writer = {
    manager: options.manager,
    kind: target.kind.compiled,
    now: timestamp(context.clock),
    ...(zero ? { zero } : {}),
  };
  const object = await context.store.write(
    (transaction) => {
      const named = nameObject(transaction, target, placed);
      return insert(context, transaction, target, updateManagedFields(undefined, named, writer));
    },
    { dryRun: options.dryRun },
  );
  return { object: options.dryRun ? withMetadata(object, { resourceVersion: undefined }) : object, warnings, created: true };
}

/** Isolates, stamps, validates and stores a new object that is decoded and has its managed fields; also the end of an apply. */
export function insert(context: RegistryContext, transaction: Transaction, target: Target, prepared: JsonObject): JsonObject {
  const { kind } = target;
  const name = nameOf(prepared);
  requireNamespace(context, transaction, target, name);
  const stamped = withMetadata(kind.compiled.prepareForCreate(prepared), {
    uid: randomUUID(),
    creationTimestamp: timestamp(context.clock),
    resourceVersion: undefined,
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: undefined,
  });
  const filled =
    kind === context.registry.namespaces
      ? { ...stamped, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } }
      : stamped;
  const owned = kind.onCreate ? kind.onCreate(filled, target.user) : filled;
  const causes = kind.compiled.validate(owned);
  refuseInvalid(kind, name, causes);
  if (readServed(transaction, target, name) !== undefined) throw alreadyExists(kind, name);
  return fromStorage(kind, transaction.put(storageKey(kind, target.namespace, name), toStorage(kind, owned)));
}

function nameObject(transaction: Transaction, target: Target, object: JsonObject): JsonObject {
  const name = nameOf(object);
  const prefix = text(metadataOf(object), 'generateName');
  if (name !== '') return object;
  if (prefix === '') {
    const message = 'Required value: name or generateName is required';
    throw invalid(target.kind, '', [{ reason: 'FieldValueRequired', field: 'metadata.name', message }]);
  }
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const candidate = `${prefix.slice(0, 248)}${randomSuffix()}`;
    if (readServed(transaction, target, candidate) === undefined) return withMetadata(object, { name: candidate });
  }
  throw alreadyExists(target.kind, prefix);
}

/** Five characters without vowels, so that no suffix is a word: Kubernetes' own alphabet. */
function randomSuffix(): string {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  return Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join('');
}

function requireNamespace(context: RegistryContext, transaction: Transaction, target: Target, name: string): void {
  if (target.namespace === undefined) return;
  const namespaces = context.registry.namespaces;
  const namespace = transaction.read(storageKey(namespaces, undefined, target.namespace));
  if (namespace === undefined) throw notFound(namespaces, target.namespace);
  if (!isBeingDeleted(namespace)) return;
  const why = `unable to create new content in namespace ${target.namespace} because it is being terminated`;
  const { group, plural } = target.kind.compiled.definition;
  throw new StatusError(403, 'Forbidden', `${qualifiedResource(target.kind)} "${name}" is forbidden: ${why}`, {
    name,
    ...(group === '' ? {} : { group }),
    kind: plural,
    causes: [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${target.namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  });
}
