import type { KubeObject, Stored } from '../api/objects.ts';
import { keyOf } from '../api/resource.ts';
import type { Change } from './change.ts';

/** From an index's name to the values under which an object is found. */
export type Indexers<T extends KubeObject> = Record<string, (object: Stored<T>) => string[]>;

/**
 * The objects of one resource, by key and by named indexes that are kept up on write. Readers get the stored objects
 * themselves: treat them as frozen. `put`, `remove` and `replaceAll` are for the reflector that owns the store; each
 * returns what changed.
 */
export class Store<T extends KubeObject> {
  readonly #objects = new Map<string, Stored<T>>();
  readonly #indexers: Indexers<T>;
  /** index → value → keys, in order of insertion */
  readonly #indexes = new Map<string, Map<string, Set<string>>>();
  #synced = false;
  #version = '';

  constructor(indexers: Indexers<T> = {}) {
    this.#indexers = indexers;
    for (const name of Object.keys(indexers)) this.#indexes.set(name, new Map());
  }

  /** Held a complete list once. Nothing may be decided from absence before. */
  get synced(): boolean {
    return this.#synced;
  }

  get size(): number {
    return this.#objects.size;
  }

  /** The version of the last event, bookmark or list: what was written up to it has been here, also what is gone again. */
  get version(): string {
    return this.#version;
  }

  /** For the reflector, after what it took of this version. */
  reach(version: string): void {
    this.#version = version;
  }

  /** `namespace/name`, or `name` for cluster-scoped kinds. */
  get(key: string): Stored<T> | undefined {
    return this.#objects.get(key);
  }

  list(): Stored<T>[] {
    return [...this.#objects.values()];
  }

  byIndex(index: string, value: string): Stored<T>[] {
    const values = this.#indexes.get(index);
    if (!values) throw new Error(`no index ${index}; this store has ${[...this.#indexes.keys()].join(', ') || 'none'}`);
    return [...(values.get(value) ?? [])].flatMap((key) => this.#objects.get(key) ?? []);
  }

  /** A different uid under the same key is another object: the old one went, the new one came. */
  put(object: Stored<T>): Change<T>[] {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    if (old) this.#unindex(key, old);
    this.#objects.set(key, object);
    this.#index(key, object);
    if (!old) return [{ kind: 'added', object }];
    if (old.metadata.uid === object.metadata.uid) return [{ kind: 'updated', object, old }];
    return [
      { kind: 'deleted', object: old, old },
      { kind: 'added', object },
    ];
  }

  remove(key: string): Change<T>[] {
    const old = this.#objects.get(key);
    if (!old) return [];
    this.#unindex(key, old);
    this.#objects.delete(key);
    return [{ kind: 'deleted', object: old, old }];
  }

  /** A complete list. Unchanged objects (same uid and resourceVersion) stay as they are and yield no change. */
  replaceAll(objects: readonly Stored<T>[]): Change<T>[] {
    const listed = new Set(objects.map((object) => keyOf(object)));
    const gone = [...this.#objects.keys()].filter((key) => !listed.has(key));
    const changes = [
      ...gone.flatMap((key) => this.remove(key)),
      ...objects.flatMap((object) => (this.has(object) ? [] : this.put(object))),
    ];
    this.#synced = true;
    return changes;
  }

  /** Exactly this version of exactly this object. */
  has(object: Stored<T>): boolean {
    const known = this.#objects.get(keyOf(object));
    return known?.metadata.uid === object.metadata.uid && known.metadata.resourceVersion === object.metadata.resourceVersion;
  }

  #index(key: string, object: Stored<T>): void {
    for (const [values, value] of this.#valuesOf(object)) {
      const keys = values.get(value);
      if (keys) keys.add(key);
      else values.set(value, new Set([key]));
    }
  }

  #unindex(key: string, object: Stored<T>): void {
    for (const [values, value] of this.#valuesOf(object)) {
      const keys = values.get(value);
      keys?.delete(key);
      if (keys?.size === 0) values.delete(value);
    }
  }

  *#valuesOf(object: Stored<T>): Generator<[Map<string, Set<string>>, string]> {
    for (const [name, values] of this.#indexes) {
      for (const value of this.#indexers[name]?.(object) ?? []) yield [values, value];
    }
  }
}
