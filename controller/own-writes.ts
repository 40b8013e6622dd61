import type { KubeObject, Stored } from '../kube/api/objects.ts';

/**
 * Lets a reconciler read its own writes: a cache lags behind the server, and a pass that decides on the object before
 * its own last write would write the same again with other times.
 */
export class OwnWrites<T extends KubeObject> {
  /** By uid; `bases` are the versions that the last answer came after. */
  readonly #written = new Map<string, { bases: Set<string>; object: Stored<T> }>();
  readonly #maximum: number;

  constructor(maximum = 20_000) {
    this.#maximum = maximum;
  }

  /** Remembers what the server answered to a write that was decided on `basis`. */
  record(basis: Stored<T>, object: Stored<T>): void {
    const { uid, resourceVersion } = basis.metadata;
    if (resourceVersion === object.metadata.resourceVersion) return;
    const earlier = this.#written.get(uid);
    // Decided on our own last answer: the cache may still show anything that came before it.
    const bases = earlier?.object.metadata.resourceVersion === resourceVersion ? earlier.bases : new Set<string>();
    bases.add(resourceVersion);
    this.#written.delete(uid);
    this.#written.set(uid, { bases, object });
    if (this.#written.size <= this.#maximum) return;
    const oldest = this.#written.keys().next();
    if (!oldest.done) this.#written.delete(oldest.value);
  }

  /** The cached object, or our own later answer while the cache still shows what that was decided on. */
  freshest(cached: Stored<T>): Stored<T> {
    const entry = this.#written.get(cached.metadata.uid);
    if (!entry) return cached;
    if (entry.bases.has(cached.metadata.resourceVersion)) return entry.object;
    this.#written.delete(cached.metadata.uid);
    return cached;
  }
}
