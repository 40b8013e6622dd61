import type { KubeObject, Stored } from '../api/objects.ts';
import { keyOf } from '../api/resource.ts';
import type { Change } from './change.ts';
import { addKey, removeKey } from './sorted-keys.ts';

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
  /** index → value → keys, sorted */
  readonly #indexes = new Map<string, Map<string, string[]>>();
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

  /** In the order of keys. */
  byIndex(index: string, value: string): Stored<T>[] {
    return (this.#valuesOf(index).get(value) ?? []).flatMap((key) => this.#objects.get(key) ?? []);
  }

  /** The first in the order of keys that is wanted; reads no further than that. */
  findByIndex(index: string, value: string, wanted: (object: Stored<T>) => boolean): Stored<T> | undefined {
    for (const key of this.#valuesOf(index).get(value) ?? []) {
      const object = this.#objects.get(key);
      if (object && wanted(object)) return object;
    }
    return undefined;
  }

  /** The values under which some object is found. */
  indexValues(index: string): string[] {
    return [...this.#valuesOf(index).keys()];
  }

  /** A different uid under the same key is another object: the old one went, the new one came. */
  put(object: Stored<T>): Change<T>[] {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    this.#objects.set(key, object);
    this.#index(key, old, object);
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
    this.#objects.delete(key);
    this.#index(key, old, undefined);
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

  /** Most writes change no value: those cost nothing but the look. */
  #index(key: string, old: Stored<T> | undefined, object: Stored<T> | undefined): void {
    for (const [name, values] of this.#indexes) {
      const indexer = this.#indexers[name];
      const before = (old && indexer?.(old)) ?? [];
      const after = (object && indexer?.(object)) ?? [];
      for (const value of before) if (!after.includes(value)) removeKey(values, value, key);
      for (const value of after) if (!before.includes(value)) addKey(values, value, key);
    }
  }

  #valuesOf(index: string): Map<string, string[]> {
    const values = this.#indexes.get(index);
    if (!values) throw new Error(`no index ${index}; this store has ${[...this.#indexes.keys()].join(', ') || 'none'}`);
    return values;
  }
}
