import type { Logger } from 'pino';
import { updateManagedFields } from '../apply/update.ts';
import { fromStorage, type RegistryContext, timestamp } from '../registry/context.ts';
import { foregroundFinalizer, orphanFinalizer, removeObject } from '../registry/delete.ts';
import type { ServedKind } from '../registry/served-kind.ts';
import { isObject, type JsonObject } from '../schema/json.ts';
import type { Change, Transaction } from '../storage/object-store.ts';
import {
  finalizersOf,
  isBeingDeleted,
  metadataOf,
  nameOf,
  namespaceOf,
  type Owner,
  ownersOf,
  parseObject,
  uidOf,
  withMetadata,
} from '../storage/stored-object.ts';
import type { StorageKey } from '../storage/versions.ts';
import { formatStorageKey, OwnerIndex } from './owner-index.ts';

type Deps = RegistryContext & { readonly logger: Logger };

/** After a write that failed, as on a full disk. */
const retrySeconds = 5;

/**
 * Deletes what has no owner left, empties namespaces that are being deleted, and works off the finalizers of foreground and orphan
 * deletion. https://kubernetes.io/docs/concepts/architecture/garbage-collection/
 */
export function startGarbageCollector(deps: Deps): { close(): void } {
  const collector = new GarbageCollector(deps);
  const close = deps.store.onCommit((changes) => {
    for (const change of changes) collector.see(change);
  });
  collector.scan();
  return {
    close: () => {
      close();
      collector.stop();
    },
  };
}

class GarbageCollector {
  readonly #deps: Deps;
  readonly #owners = new OwnerIndex();
  readonly #kinds: ReadonlyMap<string, ServedKind>;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#kinds = new Map(deps.registry.kinds.map((kind) => [kind.storage, kind]));
  }

  /** What is left undone is found by `scan` at the next start. */
  stop(): void {
    this.#stopping.abort();
    this.#queued.clear();
  }

  /** What was left undone when the server stopped. */
  scan(): void {
    const { store } = this.#deps;
    for (const resource of this.#kinds.keys()) {
      for (const row of store.list(resource, {})) {
        const object = parseObject(row.body);
        this.#owners.put(row, object, undefined);
        this.#consider(row, object);
      }
    }
  }

  see(change: Change): void {
    if (change.type !== 'DELETED') {
      this.#owners.put(change, change.object, change.previous);
      this.#consider(change, change.object);
      return;
    }
    this.#owners.remove(change, change.previous ?? change.object);
    for (const key of this.#owners.dependentsOf(uidOf(change.object))) this.#enqueue(key);
    for (const { uid } of ownersOf(change.object)) this.#reviewOwner(change.object, uid);
    if (change.namespace !== '') this.#reviewNamespace(change.namespace);
  }

  /** A dependent that is gone may be the last one that its owner waits for. */
  #reviewOwner(dependent: JsonObject, uid: string): void {
    const owner = ownersOf(dependent).find((candidate) => candidate.uid === uid);
    const found = owner && this.#findOwner(owner, dependent);
    if (found && isBeingDeleted(found.object)) this.#enqueue(found.key);
  }

  #reviewNamespace(name: string): void {
    const key = { resource: this.#deps.registry.namespaces.storage, namespace: '', name };
    const namespace = this.#deps.store.read(key);
    if (namespace && isBeingDeleted(namespace)) this.#enqueue(key);
  }

  #consider(key: StorageKey, object: JsonObject): void {
    const waits = isBeingDeleted(object);
    if (waits || ownersOf(object).length > 0) this.#enqueue({ resource: key.resource, namespace: key.namespace, name: key.name });
  }

  readonly #queued = new Map<string, StorageKey>();
  readonly #stopping = new AbortController();
  #running = false;

  #enqueue(key: StorageKey): void {
    this.#queued.set(formatStorageKey(key), key);
    if (this.#running) return;
    this.#running = true;
    setImmediate(() => void this.#drain());
  }

  /** Together in one transaction; after a failure each alone, so that one object cannot keep the others. None is given up. */
  async #drain(): Promise<void> {
    for (let together = true; this.#queued.size > 0; ) {
      const keys = [...this.#queued.values()];
      this.#queued.clear();
      const failure = await this.#collect(together ? [keys] : keys.map((key) => [key]));
      together = failure === undefined;
      if (failure === undefined) continue;
      this.#deps.logger.error({ err: failure, objects: this.#queued.size }, 'garbage collection failed, trying again');
      await this.#deps.clock.sleep(retrySeconds * 1000, this.#stopping.signal).catch(() => undefined);
    }
    this.#running = false;
  }

  /** Queues again what failed, and answers why the last of it did. */
  async #collect(batches: readonly (readonly StorageKey[])[]): Promise<unknown> {
    let failure: unknown;
    for (const batch of batches) {
      try {
        const needed = batch.filter((key) => this.#work(key) !== undefined);
        if (needed.length > 0) await this.#deps.store.write((transaction) => this.#process(transaction, needed));
      } catch (error) {
        if (this.#stopping.signal.aborted) return undefined;
        for (const key of batch) this.#queued.set(formatStorageKey(key), key);
        failure = error;
      }
    }
    return failure;
  }

  #process(transaction: Transaction, keys: readonly StorageKey[]): void {
    for (const key of keys) this.#work(key)?.(transaction);
  }

  /** What has to be done about an object, decided on what is stored now; undefined when nothing. */
  #work(key: StorageKey): ((transaction: Transaction) => void) | undefined {
    const object = this.#deps.store.read(key);
    const kind = this.#kinds.get(key.resource);
    if (object === undefined || kind === undefined) return undefined;
    if (isBeingDeleted(object)) {
      if (kind === this.#deps.registry.namespaces) return this.#emptyNamespace(key, object);
      const finalizers = finalizersOf(object);
      if (finalizers.includes(orphanFinalizer)) return (transaction) => this.#orphanDependents(transaction, key, object);
      if (finalizers.includes(foregroundFinalizer)) return this.#deleteDependents(key, object);
      return undefined;
    }
    return this.#isOrphaned(object) ? (transaction) => this.#remove(transaction, key, object) : undefined;
  }

  /** Some owner is named, and none of those named is left, or the only ones left wait for their dependents to go. */
  #isOrphaned(object: JsonObject): boolean {
    const owners = ownersOf(object);
    if (owners.length === 0) return false;
    return owners.every((owner) => {
      if (!this.#canBeLookedUp(owner, object)) return false;
      const found = this.#findOwner(owner, object);
      return found === undefined || (isBeingDeleted(found.object) && finalizersOf(found.object).includes(foregroundFinalizer));
    });
  }

  /** Of a kind that is not served here, or of one below a namespace for an object of the cluster, nobody can say that it is gone. */
  #canBeLookedUp(owner: Owner, dependent: JsonObject): boolean {
    const kind = this.#deps.registry.findByKind(owner.apiVersion, owner.kind);
    return kind !== undefined && (!kind.compiled.definition.namespaced || namespaceOf(dependent) !== '');
  }

  #findOwner(owner: Owner, dependent: JsonObject): { key: StorageKey; object: JsonObject } | undefined {
    const kind = this.#deps.registry.findByKind(owner.apiVersion, owner.kind);
    if (kind === undefined) return undefined;
    const namespace = kind.compiled.definition.namespaced ? namespaceOf(dependent) : '';
    const key = { resource: kind.storage, namespace, name: owner.name };
    const object = this.#deps.store.read(key);
    return object && uidOf(object) === owner.uid ? { key, object } : undefined;
  }

  #deleteDependents(key: StorageKey, object: JsonObject): ((transaction: Transaction) => void) | undefined {
    const dependents = this.#read(this.#owners.dependentsOf(uidOf(object)));
    const blocking = dependents.filter((dependent) => blocks(dependent.object, uidOf(object)));
    if (blocking.length === 0) return (transaction) => this.#dropFinalizer(transaction, key, object, foregroundFinalizer);
    const open = dependents.filter((dependent) => !isBeingDeleted(dependent.object) && this.#isOrphaned(dependent.object));
    if (open.length === 0) return undefined;
    return (transaction) => {
      for (const dependent of open) this.#remove(transaction, dependent.key, dependent.object);
    };
  }

  #orphanDependents(transaction: Transaction, key: StorageKey, object: JsonObject): void {
    for (const dependent of this.#read(this.#owners.dependentsOf(uidOf(object)))) {
      const references = metadataOf(dependent.object)['ownerReferences'];
      const kept = Array.isArray(references)
        ? references.filter((reference) => !isObject(reference) || reference['uid'] !== uidOf(object))
        : [];
      const freed = withMetadata(dependent.object, { ownerReferences: kept.length === 0 ? undefined : kept });
      transaction.put(dependent.key, this.#reown(dependent, freed));
    }
    this.#dropFinalizer(transaction, key, object, orphanFinalizer);
  }

  /** Nobody owns a field that is gone. */
  #reown({ key, object }: { key: StorageKey; object: JsonObject }, next: JsonObject): JsonObject {
    const kind = this.#kinds.get(key.resource);
    if (kind === undefined) return next;
    return updateManagedFields(object, next, {
      manager: 'garbage-collector',
      kind: kind.compiled,
      now: timestamp(this.#deps.clock),
    });
  }

  #dropFinalizer(transaction: Transaction, key: StorageKey, object: JsonObject, finalizer: string): void {
    const left = finalizersOf(object).filter((candidate) => candidate !== finalizer);
    if (left.length === 0) transaction.remove(key, withMetadata(object, { finalizers: undefined }));
    else transaction.put(key, withMetadata(object, { finalizers: left }));
  }

  #emptyNamespace(key: StorageKey, namespace: JsonObject): ((transaction: Transaction) => void) | undefined {
    const contents = [...this.#kinds.values()]
      .filter(({ compiled }) => compiled.definition.namespaced)
      .flatMap((kind) => [...this.#deps.store.list(kind.storage, { namespace: nameOf(namespace) })])
      .map((row) => ({ key: row, object: parseObject(row.body) }));
    if (contents.length === 0 && finalizersOf(namespace).length === 0)
      return (transaction) => void transaction.remove(key, namespace);
    const open = contents.filter(({ object }) => !isBeingDeleted(object));
    if (open.length === 0) return undefined;
    return (transaction) => {
      for (const entry of open) this.#remove(transaction, entry.key, entry.object);
    };
  }

  #remove(transaction: Transaction, key: StorageKey, object: JsonObject): void {
    const kind = this.#kinds.get(key.resource);
    // Deleting one may have deleted another of the same batch.
    if (kind === undefined || transaction.read(key) === undefined) return;
    const place = { kind, namespace: key.namespace || undefined, name: key.name };
    removeObject(this.#deps, transaction, place, fromStorage(kind, object), 'Background');
  }

  #read(keys: readonly StorageKey[]): { key: StorageKey; object: JsonObject }[] {
    return keys.flatMap((key) => {
      const object = this.#deps.store.read(key);
      return object ? [{ key, object }] : [];
    });
  }
}

function blocks(dependent: JsonObject, ownerUid: string): boolean {
  return ownersOf(dependent).some((owner) => owner.uid === ownerUid && owner.blockOwnerDeletion);
}
