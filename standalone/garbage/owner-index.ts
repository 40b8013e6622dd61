import type { JsonObject } from '../schema/json.ts';
import { ownersOf } from '../storage/stored-object.ts';
import type { StorageKey } from '../storage/versions.ts';

/** Which objects name which owner, by the owner's uid. */
export class OwnerIndex {
  readonly #dependents = new Map<string, Map<string, StorageKey>>();

  put(key: StorageKey, object: JsonObject, previous: JsonObject | undefined): void {
    if (previous) this.remove(key, previous);
    for (const { uid } of ownersOf(object)) {
      const dependents = this.#dependents.get(uid) ?? new Map<string, StorageKey>();
      this.#dependents.set(uid, dependents.set(formatStorageKey(key), key));
    }
  }

  remove(key: StorageKey, object: JsonObject): void {
    for (const { uid } of ownersOf(object)) {
      const dependents = this.#dependents.get(uid);
      dependents?.delete(formatStorageKey(key));
      if (dependents?.size === 0) this.#dependents.delete(uid);
    }
  }

  dependentsOf(uid: string): StorageKey[] {
    return [...(this.#dependents.get(uid)?.values() ?? [])];
  }
}

export function formatStorageKey({ resource, namespace, name }: StorageKey): string {
  return `${resource} ${namespace} ${name}`;
}
