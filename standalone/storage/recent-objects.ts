import type { JsonObject } from '../schema/json.ts';

/** Of each of two generations. Enough for what a busy fleet is changing at the moment; objects are a few kilobytes each. */
const capacity = 1000;

/**
 * Objects as they were last parsed or written, by their revision. A change reads its object several times, and a revision never
 * changes, so this needs no rule of when it is out of date: only what was taken back must go.
 *
 * What is used moves to the young generation; when that is full, the old one is forgotten and the young one becomes old. One map in
 * the order of use would look for its oldest entry behind all that were removed before it.
 */
export class RecentObjects {
  #young = new Map<number, JsonObject>();
  #old = new Map<number, JsonObject>();

  get(revision: number): JsonObject | undefined {
    const young = this.#young.get(revision);
    if (young) return young;
    const old = this.#old.get(revision);
    if (old) this.put(revision, old);
    return old;
  }

  put(revision: number, object: JsonObject): void {
    this.#young.set(revision, object);
    if (this.#young.size < capacity) return;
    this.#old = this.#young;
    this.#young = new Map();
  }

  /** A rollback: the revisions after this one will be given to other objects. */
  dropAfter(revision: number): void {
    for (const generation of [this.#young, this.#old])
      for (const known of generation.keys()) if (known > revision) generation.delete(known);
  }
}
