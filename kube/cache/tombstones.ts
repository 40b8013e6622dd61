import type { KubeObject, Stored } from '../api/objects.ts';
import { isEarlier } from './resource-version.ts';

/** Deletions beyond this are forgotten, oldest first: a replay that old does not happen within one watch. */
const capacity = 1000;

/** Remembers which objects were deleted, so that a late event of one does not bring it back. */
export class Tombstones {
  /** uid → version of the deletion. Not the uid alone: an object may leave a label selection and return. */
  readonly #versions = new Map<string, string>();

  add(object: Stored<KubeObject>): void {
    this.#versions.delete(object.metadata.uid);
    this.#versions.set(object.metadata.uid, object.metadata.resourceVersion);
    const oldest = this.#versions.keys().next();
    if (this.#versions.size > capacity && oldest.done !== true) this.#versions.delete(oldest.value);
  }

  /** The object is from before its deletion (or is the deletion again). */
  covers(object: Stored<KubeObject>): boolean {
    const deleted = this.#versions.get(object.metadata.uid);
    return (
      deleted !== undefined &&
      (deleted === object.metadata.resourceVersion || isEarlier(object.metadata.resourceVersion, deleted))
    );
  }

  clear(): void {
    this.#versions.clear();
  }
}
