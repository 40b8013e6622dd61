// Read your own writes: remembers what a cache must show before it may be believed about this key again. Otherwise a
// reconcile that runs before the watch delivers its own create would create twice.
import type { KubeObject, Stored } from '../api/objects.ts';
import { keyOf } from '../api/resource.ts';
import { isEarlier } from '../cache/resource-version.ts';
import type { Store } from '../cache/store.ts';
import type { Clock } from './clock.ts';

interface Expected {
  uid: string;
  /** The cached object's key. */
  object: string;
  /** At least this version; undefined = gone. */
  resourceVersion: string | undefined;
  since: number;
}

export class Expectations<T extends KubeObject> {
  readonly #store: Pick<Store<T>, 'get' | 'version'>;
  readonly #clock: Clock;
  readonly #timeoutSeconds: number;
  readonly #expected = new Map<string, Expected[]>();

  /** After `timeoutSeconds` (30) an expectation counts as met: a net below servers whose versions cannot be compared. */
  constructor(deps: { store: Pick<Store<T>, 'get' | 'version'>; clock: Clock }, options: { timeoutSeconds?: number } = {}) {
    this.#store = deps.store;
    this.#clock = deps.clock;
    this.#timeoutSeconds = options.timeoutSeconds ?? 30;
  }

  /** `written` is the server's answer to a create, apply or patch made for `key`. */
  expectWrite(key: string, written: Stored<T>): void {
    this.#expect(key, { uid: written.metadata.uid, object: keyOf(written), resourceVersion: written.metadata.resourceVersion });
  }

  /** A delete made for `key`: the cache must lose this object, or show another under its name. */
  expectDeletion(key: string, deleted: Stored<T>): void {
    this.#expect(key, { uid: deleted.metadata.uid, object: keyOf(deleted), resourceVersion: undefined });
  }

  /** Whether the cache shows everything that was written for `key`. */
  satisfied(key: string): boolean {
    const open = (this.#expected.get(key) ?? []).filter((expected) => !this.#isMet(expected));
    if (open.length === 0) this.#expected.delete(key);
    else this.#expected.set(key, open);
    return open.length === 0;
  }

  /** The owner is gone. */
  forget(key: string): void {
    this.#expected.delete(key);
  }

  #expect(key: string, expected: Omit<Expected, 'since'>): void {
    // A later write of the same object replaces what was expected of it.
    const others = (this.#expected.get(key) ?? []).filter((other) => other.uid !== expected.uid);
    this.#expected.set(key, [...others, { ...expected, since: this.#clock.monotonic() }]);
  }

  #isMet(expected: Expected): boolean {
    if (this.#clock.monotonic() - expected.since >= this.#timeoutSeconds * 1000) return true;
    const cached = this.#store.get(expected.object)?.metadata;
    if (expected.resourceVersion === undefined) return cached?.uid !== expected.uid;
    // Written, seen and gone again, as what is created for an owner that has just been deleted.
    const { version } = this.#store;
    if (version === expected.resourceVersion || isEarlier(expected.resourceVersion, version)) return true;
    // By version alone: another uid under the name may be the predecessor that the cache still shows, or a successor.
    return cached !== undefined && !isEarlier(cached.resourceVersion, expected.resourceVersion);
  }
}
