import type { Change, ObjectStore } from '../storage/object-store.ts';

export interface Watcher {
  readonly resource: string;
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined;
  /** Only this object. Watches by name are kept apart, so that ten thousand of them cost nothing to each other. */
  readonly name: string | undefined;
  /** Must not throw. */
  receive(change: Change): void;
}

/** Passes committed changes to the watchers that may want them, in order. */
export class WatchHub {
  readonly #groups = new Map<string, Set<Watcher>>();
  readonly #stop: () => void;

  constructor(store: ObjectStore) {
    this.#stop = store.onCommit((changes) => {
      for (const change of changes) this.#publish(change);
    });
  }

  /** From the next commit on; answers how to stop. */
  add(watcher: Watcher): () => void {
    const key = groupKey(watcher.resource, watcher.name);
    const group = this.#groups.get(key) ?? new Set();
    this.#groups.set(key, group.add(watcher));
    return () => {
      group.delete(watcher);
      if (group.size === 0 && this.#groups.get(key) === group) this.#groups.delete(key);
    };
  }

  close(): void {
    this.#stop();
    this.#groups.clear();
  }

  #publish(change: Change): void {
    for (const key of [groupKey(change.resource, undefined), groupKey(change.resource, change.name)]) {
      for (const watcher of this.#groups.get(key) ?? []) {
        if (watcher.namespace === undefined || watcher.namespace === change.namespace) watcher.receive(change);
      }
    }
  }
}

function groupKey(resource: string, name: string | undefined): string {
  return name === undefined ? resource : `${resource} ${name}`;
}
