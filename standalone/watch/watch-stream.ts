import type { ServerResponse } from 'node:http';
import type { Clock } from '../../kube/runtime/clock.ts';
import { expired } from '../http/status-error.ts';
import { fromStorage } from '../registry/context.ts';
import { selectObjects } from '../registry/list.ts';
import type { Selection } from '../registry/selection.ts';
import type { ServedKind } from '../registry/served-kind.ts';
import type { JsonObject } from '../schema/json.ts';
import type { Change, ObjectStore } from '../storage/object-store.ts';
import { withResourceVersion } from '../storage/stored-object.ts';
import type { WatchHub } from './watch-hub.ts';
import type { WatchOptions } from './watch-options.ts';

export interface WatchTarget {
  readonly kind: ServedKind;
  readonly namespace: string | undefined;
  readonly selection: Selection;
}

export interface WatchDeps {
  readonly store: ObjectStore;
  readonly hub: WatchHub;
  readonly clock: Clock;
  /** Aborted when the server stops. */
  readonly stopping: AbortSignal;
}

/** How an event's object is written: whole, as a Table, or its metadata alone. */
export type Render = (object: JsonObject) => JsonObject;

const bookmarkSeconds = 60;
/**
 * A client that reads slower than its events come in is cut off, and comes back with the last version it saw. What it is told at the
 * beginning does not count until it has had the time to read it: that can be more, and cut off there it would begin again for ever.
 */
const maximumBacklogBytes = 16 * 1024 * 1024;
const historyPage = 500;

/** Serves one watch until its time is over, its client leaves, or the server stops. */
export async function streamWatch(
  deps: WatchDeps,
  target: WatchTarget,
  options: WatchOptions,
  render: Render | undefined,
  response: ServerResponse,
): Promise<void> {
  const left = new AbortController();
  response.on('close', () => left.abort());
  const ended = AbortSignal.any([left.signal, deps.stopping]);
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  const stream = new WatchStream(target, render, response, () => left.abort());
  // Subscribing and reading what is stored happen in one turn of the event loop, so no commit falls between them.
  const unsubscribe = deps.hub.add({
    resource: target.kind.storage,
    namespace: target.namespace,
    name: target.selection.name,
    receive: (change) => stream.change(change),
  });
  try {
    stream.begin(deps.store, options);
    await keepAlive(deps, stream, options, ended);
  } finally {
    unsubscribe();
    response.end();
  }
}

async function keepAlive(deps: WatchDeps, stream: WatchStream, options: WatchOptions, ended: AbortSignal): Promise<void> {
  let remaining = options.timeoutSeconds;
  while (remaining > 0) {
    const seconds = Math.min(remaining, bookmarkSeconds);
    await deps.clock.sleep(seconds * 1000, ended).catch(() => undefined);
    if (isAborted(ended)) return;
    remaining -= seconds;
    // The last one comes just before the end: the client's next watch starts from it.
    if (options.bookmarks) stream.bookmark(deps.store.revision);
  }
}

/** Apart from the loop, because the signal changes while the loop waits and the compiler cannot know. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

class WatchStream {
  readonly #target: WatchTarget;
  readonly #render: Render | undefined;
  readonly #response: ServerResponse;
  readonly #giveUp: () => void;
  /** What was written at the beginning and has not been read. */
  #allowedBytes = Number.POSITIVE_INFINITY;

  constructor(target: WatchTarget, render: Render | undefined, response: ServerResponse, giveUp: () => void) {
    this.#target = target;
    this.#render = render;
    this.#response = response;
    this.#giveUp = giveUp;
  }

  begin(store: ObjectStore, options: WatchOptions): void {
    this.#tellBeginning(store, options);
    this.#allowedBytes = this.#response.writableLength;
    this.#response.once('drain', () => {
      this.#allowedBytes = 0;
    });
  }

  #tellBeginning(store: ObjectStore, { start }: WatchOptions): void {
    if (start.kind === 'state') {
      for (const object of selectObjects(store, this.#target, this.#target.selection)) this.#send('ADDED', object);
      if (start.announceEnd) this.bookmark(store.revision, { annotations: { 'k8s.io/initial-events-end': 'true' } });
      return;
    }
    let revision = start.revision;
    for (;;) {
      if (revision < store.compactedRevision) {
        this.#expire(revision);
        return;
      }
      const changes = store.changesAfter(this.#target.kind.storage, revision, historyPage);
      for (const change of changes) if (this.#concerns(change)) this.change(change);
      const last = changes.at(-1);
      if (last === undefined || changes.length < historyPage) return;
      revision = last.revision;
    }
  }

  /** What a selector makes of a change: an object that begins to match is ADDED, one that ceases to is DELETED. */
  change(change: Change): void {
    const { selection, kind } = this.#target;
    if (selection.everything && this.#render === undefined && kind.shape === undefined) {
      this.#write(change.type, change.body);
      return;
    }
    const object = fromStorage(kind, change.object);
    const previous = change.previous && fromStorage(kind, change.previous);
    const before = change.type !== 'ADDED' && previous !== undefined && selection.matches(previous);
    const after = change.type !== 'DELETED' && selection.matches(object);
    if (after) this.#send(before ? 'MODIFIED' : 'ADDED', object);
    // What ceased to match is shown as it was when it last did, at the version of the change.
    else if (before) this.#send('DELETED', withResourceVersion(previous, change.revision));
  }

  bookmark(revision: number, metadata: JsonObject = {}): void {
    const { apiVersion, definition } = this.#target.kind.compiled;
    const object: JsonObject = {
      kind: definition.kind,
      apiVersion,
      metadata: { ...metadata, resourceVersion: String(revision) },
    };
    this.#send('BOOKMARK', object);
  }

  #concerns(change: Change): boolean {
    const { namespace, selection } = this.#target;
    return (
      (namespace === undefined || namespace === change.namespace) &&
      (selection.name === undefined || selection.name === change.name)
    );
  }

  #expire(revision: number): void {
    this.#write('ERROR', JSON.stringify(expired(`too old resource version: ${revision}`).toStatus()));
    this.#giveUp();
  }

  #send(type: string, object: JsonObject): void {
    this.#write(type, JSON.stringify(this.#render ? this.#render(object) : object));
  }

  #write(type: string, body: string): void {
    if (this.#response.destroyed) return;
    this.#response.write(`{"type":"${type}","object":${body}}\n`);
    if (this.#response.writableLength > maximumBacklogBytes + this.#allowedBytes) {
      this.#response.destroy();
      this.#giveUp();
    }
  }
}
