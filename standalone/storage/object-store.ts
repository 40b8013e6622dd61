import type { DatabaseSync } from 'node:sqlite';
import type { JsonObject } from '../schema/json.ts';
import { RecentObjects } from './recent-objects.ts';
import { parseObject, withResourceVersion } from './stored-object.ts';
import { type ListRange, prepareVersions, type StorageKey, type VersionRow, type Versions } from './versions.ts';
import { explainWriteFailure } from './write-failure.ts';

/** One committed write, as watches and the garbage collector see it. */
export interface Change extends StorageKey {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  readonly body: string;
  readonly object: JsonObject;
  readonly previous: JsonObject | undefined;
}

export interface Reader {
  read(key: StorageKey): JsonObject | undefined;
  list(resource: string, range: ListRange): Generator<VersionRow>;
}

export interface Transaction extends Reader {
  /** Creates or replaces; answers the object with its new resourceVersion. */
  put(key: StorageKey, object: JsonObject): JsonObject;
  /** Deletes; `final` is what watchers see last. */
  remove(key: StorageKey, final: JsonObject): JsonObject;
}

interface Pending {
  run(): void;
  settle(failure: Error | undefined): void;
}

/**
 * Objects by key under one global revision. Writes are queued and committed together, at most once per turn of the event loop: one
 * fsync answers all of them, none is answered before it, and readers never see what is not yet on disk.
 */
export class ObjectStore implements Reader {
  readonly #database: DatabaseSync;
  readonly #versions: Versions;
  readonly #recent = new RecentObjects();
  readonly #keptRevisions: number;
  readonly #listeners = new Set<(changes: readonly Change[]) => void>();
  #pending: Pending[] = [];
  #changes: Change[] = [];
  /** What ended the transaction of the running batch. */
  #fatal: Error | undefined;
  #scheduled = false;
  #closed = false;
  #revision: number;
  #compacted: number;

  /** `keptRevisions`: how far back watches and pages can reach before they get 410 Expired. */
  constructor(database: DatabaseSync, options: { keptRevisions: number }) {
    this.#database = database;
    this.#versions = prepareVersions(database);
    this.#keptRevisions = options.keptRevisions;
    this.#revision = this.#versions.lastRevision();
    this.#compacted = this.#versions.compactedRevision();
  }

  /** The last committed revision. */
  get revision(): number {
    return this.#revision;
  }

  /** Revisions below this one can no longer be read. */
  get compactedRevision(): number {
    return this.#compacted;
  }

  /** The object itself, which others may hold too: treat it as frozen. */
  read(key: StorageKey): JsonObject | undefined {
    const revision = this.#versions.currentRevision(key);
    return revision === undefined ? undefined : this.#parsed(revision);
  }

  readText(key: StorageKey): string | undefined {
    return this.#versions.current(key)?.body;
  }

  list(resource: string, range: ListRange): Generator<VersionRow> {
    return this.#versions.list(resource, range);
  }

  /** The changes of one resource after a revision that is not compacted, oldest first, at most `limit`. */
  changesAfter(resource: string, revision: number, limit: number): Change[] {
    return this.#versions.after(resource, revision, limit).map((row) => {
      const previous = row.previous === null ? undefined : this.#parsed(row.previous);
      return toChange(row, parseObject(row.body), previous);
    });
  }

  /** Called after each commit with its changes in order; must not throw. Answers how to stop. */
  onCommit(listener: (changes: readonly Change[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Runs `body` in a transaction: what it throws undoes its own writes and rejects. With `dryRun` its writes are undone and its
   * result is answered all the same. Resolves once the writes are on disk.
   */
  write<T>(body: (transaction: Transaction) => T, options: { dryRun?: boolean } = {}): Promise<T> {
    if (this.#closed) return Promise.reject(new Error('the store is closed'));
    return new Promise<T>((resolve, reject) => {
      let outcome: { value: T } | { error: Error } | undefined;
      const run = () => {
        try {
          outcome = { value: this.#atomically(body, options.dryRun === true) };
        } catch (error) {
          outcome = { error: explainWriteFailure(error) };
        }
      };
      const settle = (failure: Error | undefined) => {
        if (failure !== undefined)
          reject(failure instanceof Error ? failure : new Error('the transaction failed', { cause: failure }));
        else if (outcome && 'value' in outcome) resolve(outcome.value);
        else reject(outcome?.error);
      };
      this.#pending.push({ run, settle });
      this.#schedule();
    });
  }

  close(): void {
    this.#flush();
    this.#closed = true;
    this.#database.close();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      if (!this.#closed) this.#flush();
    });
  }

  #flush(): void {
    this.#scheduled = false;
    const batch = this.#pending;
    if (batch.length === 0) return;
    this.#pending = [];
    this.#changes = [];
    this.#fatal = undefined;
    const before = this.#revision;
    let failure: Error | undefined;
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const entry of batch) entry.run();
      this.#requireTransaction();
      const compacted = this.#compact();
      this.#database.exec('COMMIT');
      this.#compacted = compacted;
    } catch (error) {
      failure = explainWriteFailure(error);
      this.#recent.dropAfter(before);
      this.#revision = before;
      this.#changes = [];
      if (this.#inTransaction()) this.#database.exec('ROLLBACK');
    }
    const changes = this.#changes;
    if (changes.length > 0) for (const listener of this.#listeners) listener(changes);
    for (const entry of batch) entry.settle(failure);
  }

  #atomically<T>(body: (transaction: Transaction) => T, dryRun: boolean): T {
    // Without one a savepoint would begin its own, and commit it.
    this.#requireTransaction();
    const revision = this.#revision;
    const changes = this.#changes.length;
    const undo = () => {
      this.#database.exec('ROLLBACK TO one; RELEASE one');
      if (this.#revision > revision) this.#recent.dropAfter(revision);
      this.#revision = revision;
      this.#changes.length = changes;
    };
    this.#database.exec('SAVEPOINT one');
    try {
      const value = body(this.#transaction());
      if (dryRun) undo();
      else this.#database.exec('RELEASE one');
      return value;
    } catch (error) {
      // A full disk rolls the whole transaction back by itself; then there is no savepoint left to go back to.
      if (this.#inTransaction()) undo();
      else this.#fatal ??= explainWriteFailure(error);
      throw error;
    }
  }

  /** A full disk, for one, ends the transaction of a batch in the middle. */
  #requireTransaction(): void {
    if (!this.#inTransaction()) throw this.#fatal ?? new Error('the transaction of this batch has ended');
  }

  #inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  #transaction(): Transaction {
    return {
      read: (key) => this.read(key),
      list: (resource, range) => this.list(resource, range),
      put: (key, object) => this.#append(key, object, false),
      remove: (key, final) => this.#append(key, final, true),
    };
  }

  /** undefined when the revision is compacted. */
  #parsed(revision: number): JsonObject | undefined {
    const known = this.#recent.get(revision);
    if (known) return known;
    const row = this.#versions.at(revision);
    if (!row) return undefined;
    const object = parseObject(row.body);
    this.#recent.put(revision, object);
    return object;
  }

  #append(key: StorageKey, object: JsonObject, deleted: boolean): JsonObject {
    const previous = this.#versions.currentRevision(key);
    const revision = this.#revision + 1;
    const stored = withResourceVersion(object, revision);
    const row: VersionRow = {
      resource: key.resource,
      namespace: key.namespace,
      name: key.name,
      revision,
      previous: previous ?? null,
      deleted,
      body: JSON.stringify(stored),
    };
    this.#versions.append(row);
    this.#revision = revision;
    this.#changes.push(toChange(row, stored, previous === undefined ? undefined : this.#parsed(previous)));
    this.#recent.put(revision, stored);
    return stored;
  }

  /** In steps of a tenth of what is kept, so that its cost is spread. */
  #compact(): number {
    const target = this.#revision - this.#keptRevisions;
    if (target - this.#compacted < this.#keptRevisions / 10) return this.#compacted;
    this.#versions.compact(target);
    return target;
  }
}

function toChange(row: VersionRow, object: JsonObject, previous: JsonObject | undefined): Change {
  const type = row.deleted ? 'DELETED' : row.previous === null ? 'ADDED' : 'MODIFIED';
  const { resource, namespace, name, revision, body } = row;
  return { type, resource, namespace, name, revision, body, object, previous };
}
