import type { JsonObject } from '../schema/json.ts';

/** Enough for what a busy fleet is changing at the moment; objects are a few kilobytes each. */
const capacity = 1000;

/**
 * Objects as they were last parsed or written, by their revision, the one used longest ago first. A change reads its object several
 * times, and a revision never changes, so this needs no rule of when it is out of date: only what was taken back must go.
 */
export class RecentObjects {
  readonly #byRevision = new Map<number, JsonObject>();

  get(revision: number): JsonObject | undefined {
    const object = this.#byRevision.get(revision);
    if (object) this.put(revision, object);
    return object;
  }

  put(revision: number, object: JsonObject): void {
    this.#byRevision.delete(revision);
    this.#byRevision.set(revision, object);
    const oldest = this.#byRevision.keys().next();
    if (this.#byRevision.size > capacity && !oldest.done) this.#byRevision.delete(oldest.value);
  }

  /** A rollback: the revisions after this one will be given to other objects. */
  dropAfter(revision: number): void {
    for (const known of this.#byRevision.keys()) if (known > revision) this.#byRevision.delete(known);
  }
}
