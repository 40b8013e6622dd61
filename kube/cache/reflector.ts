// Keeps a Store equal to one resource of an API server: list, then watch, for ever. Handles what ends other informers:
// both forms of 410, errors inside a stream, silent stalls, cut lines, deletions in a gap, a re-created name.
import type { Logger } from 'pino';
import { ConnectionError, isAhead, isExpired, isThrottled, toError, watchError } from '../api/api-error.ts';
import type { Client, WatchEvent } from '../api/client.ts';
import type { KubeObject, Stored } from '../api/objects.ts';
import { keyOf, type Resource } from '../api/resource.ts';
import { WatchStreamError } from '../api/watch-event.ts';
import { backOffSeconds } from '../runtime/back-off.ts';
import type { Clock } from '../runtime/clock.ts';
import { type Metrics, noMetrics, type ReconnectCause, type RelistCause } from '../runtime/metrics.ts';
import { applyEvent } from './apply-event.ts';
import type { Change } from './change.ts';
import { listAll } from './list-pager.ts';
import { isEarlier, laterOf } from './resource-version.ts';
import { type Indexers, Store } from './store.ts';
import { Tombstones } from './tombstones.ts';

export interface ReflectorDeps {
  client: Pick<Client, 'list' | 'watch'>;
  clock: Clock;
  logger: Logger;
  metrics?: Metrics;
}

export interface ReflectorOptions<T extends KubeObject> {
  /** Without it: all namespaces. */
  namespace?: string;
  /** One object: the only watch that an API server indexes for custom resources. */
  name?: string;
  labelSelector?: string;
  indexers?: Indexers<T>;
  /** What to keep of an object. Without it managedFields are dropped: they are often half of an object's bytes. */
  transform?: (object: Stored<T>) => Stored<T>;
  /** How often a complete list checks what the watches delivered. 600 s; of one object 1800 s. */
  relistSeconds?: number;
  random?: () => number;
}

/**
 * Seconds. Watches end at a random time, so that a thousand agents do not connect again together. Those of one object live longer:
 * there are as many as devices, and what they do while nothing happens is most of what they do.
 */
const ofMany = { relist: 600, watchFrom: 300, watchTo: 600 } as const;
const ofOne = { relist: 1800, watchFrom: 900, watchTo: 1800 } as const;

const backOff = { firstSeconds: 0.5, maxSeconds: 30 };
/** After so many failures in a row the version itself is suspected. */
const failuresBeforeRelist = 5;
/** A server that ends watches at once and without events is failing, whatever it says. */
const shortestHonestWatchMilliseconds = 1000;
/** A watch that stood for so long had a healthy server, also when it delivered nothing. */
const healthyWatchMilliseconds = 10_000;

export class Reflector<T extends KubeObject> {
  readonly store: Store<T>;
  /** Resolves with the first complete list; stays pending while there is none. */
  readonly synced: Promise<void>;

  readonly #deps: ReflectorDeps;
  readonly #metrics: Metrics;
  readonly #resource: Resource<T>;
  readonly #options: ReflectorOptions<T>;
  readonly #random: () => number;
  readonly #transform: (object: Stored<T>) => Stored<T>;
  readonly #handlers: ((change: Change<T>) => void)[] = [];
  readonly #tombstones = new Tombstones();
  readonly #logger: Logger;
  #resolveSynced: () => void;
  #started = false;

  /** Why a complete list is due before the next watch; undefined = none is. */
  #listFor: RelistCause | undefined = 'initial';
  /** What the store is known to contain; the next watch goes on from here. */
  #version = '';
  #listedAt = 0;
  #failures = 0;

  constructor(deps: ReflectorDeps, resource: Resource<T>, options: ReflectorOptions<T> = {}) {
    this.#deps = deps;
    this.#metrics = deps.metrics ?? noMetrics;
    this.#resource = resource;
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#transform = options.transform ?? withoutManagedFields;
    this.#logger = deps.logger.child({ resource: resource.plural });
    this.store = new Store<T>(options.indexers);
    const synced = Promise.withResolvers<void>();
    this.synced = synced.promise;
    this.#resolveSynced = synced.resolve;
  }

  /** Handlers run after the store changed, must be quick (add a key to a queue) and are never awaited. */
  onChange(handler: (change: Change<T>) => void): void {
    this.#handlers.push(handler);
  }

  /** Ends only when the signal aborts. May be called once: a second run would be a second watch. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#started) throw new Error(`the reflector of ${this.#resource.plural} runs already; make another one`);
    this.#started = true;
    while (!signal.aborted) {
      try {
        if (this.#listFor !== undefined) await this.#list(this.#listFor, signal);
        await this.#watch(signal);
      } catch (error) {
        await this.#recover(toError(error), signal);
      }
    }
  }

  async #list(cause: RelistCause, signal: AbortSignal): Promise<void> {
    const { name, ...selection } = this.#selection();
    const { items, resourceVersion } = await listAll(this.#deps.client, this.#resource, {
      ...selection,
      ...(name === undefined ? {} : { fieldSelector: `metadata.name=${name}` }),
      signal,
    });
    signal.throwIfAborted();
    if (cause === 'periodic') this.#countMissed(items);
    const changes = this.store.replaceAll(items.map(this.#transform));
    this.#tombstones.clear();
    this.#version = resourceVersion;
    this.store.reach(resourceVersion);
    this.#listFor = undefined;
    this.#listedAt = this.#deps.clock.monotonic();
    this.#metrics.count('watch_relists_total', { resource: this.#resource.plural, cause });
    this.#metrics.set('cluster_state_synced', { resource: this.#resource.plural }, 1);
    this.#logger.debug({ cause, objects: items.length, changes: changes.length, resourceVersion }, 'listed');
    this.#emit(changes);
    this.#resolveSynced();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { clock, client } = this.#deps;
    const opened = clock.monotonic();
    const timeoutSeconds = this.#watchSeconds();
    const events = await client.watch(this.#resource, {
      ...this.#selection(),
      resourceVersion: this.#version,
      timeoutSeconds,
      signal,
    });
    const stood = clock.monotonic();
    let delivered = 0;
    try {
      for await (const event of events) {
        signal.throwIfAborted();
        this.#take(event);
        delivered += 1;
        this.#failures = 0;
      }
    } finally {
      // A kind to which nothing happens: what ends its watch once an hour is no failure in a row.
      if (clock.monotonic() - stood >= healthyWatchMilliseconds) this.#failures = 0;
    }
    signal.throwIfAborted();
    if (delivered === 0 && clock.monotonic() - opened < shortestHonestWatchMilliseconds) {
      throw new Error(`the watch of ${this.#resource.plural} ended at once and without an event`);
    }
    this.#failures = 0;
    this.#again('ended');
  }

  #take(event: WatchEvent<T>): void {
    switch (event.type) {
      case 'ERROR': // its object is a Status, which has no version to go on from
        throw watchError(`watch ${this.#resource.plural}`, event.object);
      case 'BOOKMARK':
        break;
      case 'ADDED':
      case 'MODIFIED':
      case 'DELETED':
        this.#emit(applyEvent(this.store, this.#tombstones, { type: event.type, object: this.#transform(event.object) }));
        break;
    }
    this.#version = laterOf(this.#version, event.object.metadata.resourceVersion);
    this.store.reach(this.#version);
  }

  async #recover(error: Error, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    if (error instanceof WatchStreamError && error.kind === 'stalled') {
      // No alarm: a real API server sends no bookmarks for a kind that saw no event since it started.
      this.#logger.debug({ err: error }, 'watch cut, opening it again');
      this.#again('stalled');
      return;
    }
    this.#failures += 1;
    const cause = relistCause(error, this.#failures);
    if (cause !== undefined) this.#listFor ??= cause;
    else this.#again(error instanceof ConnectionError ? 'unreachable' : 'error');
    const patience = isThrottled(error) ? (error.retryAfterSeconds ?? 0) : 0;
    const seconds = Math.max(patience, backOffSeconds(this.#failures, backOff, this.#random()));
    const level = isExpired(error) ? 'info' : 'warn';
    this.#logger[level](
      { err: error, failures: this.#failures, seconds, next: this.#listFor ? 'list' : 'watch' },
      'watch failed',
    );
    // Only an abort rejects this wait; run sees it.
    await this.#deps.clock.sleep(seconds * 1000, signal).catch(() => undefined);
  }

  /** The next round watches on from the same version, or lists when the periodic check is due. */
  #again(cause: ReconnectCause): void {
    if (this.#listFor !== undefined) return;
    if (this.#untilRelist() <= 0) this.#listFor = 'periodic';
    else this.#metrics.count('watch_reconnects_total', { resource: this.#resource.plural, cause });
  }

  #selection(): { namespace?: string; name?: string; labelSelector?: string } {
    const { namespace, name, labelSelector } = this.#options;
    return {
      ...(namespace === undefined ? {} : { namespace }),
      ...(name === undefined ? {} : { name }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
    };
  }

  get #pace() {
    return this.#options.name === undefined ? ofMany : ofOne;
  }

  /** Never past the next periodic list. */
  #watchSeconds(): number {
    const { watchFrom, watchTo } = this.#pace;
    const random = watchFrom + Math.floor(this.#random() * (watchTo - watchFrom + 1));
    return Math.max(1, Math.min(random, Math.ceil(this.#untilRelist())));
  }

  /** Seconds */
  #untilRelist(): number {
    const age = (this.#deps.clock.monotonic() - this.#listedAt) / 1000;
    return (this.#options.relistSeconds ?? this.#pace.relist) - age;
  }

  /** Listed objects that the watch claimed to have passed, and that the store does not hold so. Deletions cannot be dated. */
  #countMissed(items: readonly Stored<T>[]): void {
    const missed = items.filter((item) => isEarlier(item.metadata.resourceVersion, this.#version) && !this.store.has(item));
    if (missed.length === 0) return;
    this.#metrics.count('cache_missed_changes_total', { resource: this.#resource.plural }, missed.length);
    this.#logger.warn({ objects: missed.slice(0, 10).map(keyOf), missed: missed.length }, 'the watch missed changes');
  }

  #emit(changes: readonly Change<T>[]): void {
    for (const change of changes) {
      for (const handler of this.#handlers) {
        try {
          handler(change);
        } catch (error) {
          this.#logger.error({ err: toError(error), key: keyOf(change.object) }, 'a change handler failed');
        }
      }
    }
  }
}

function relistCause(error: Error, failures: number): RelistCause | undefined {
  // Until a restored server has come past the version it would only refuse, and then keep what happened before to itself.
  if (isExpired(error) || isAhead(error)) return 'expired';
  if (error instanceof WatchStreamError) return 'malformed';
  return failures % failuresBeforeRelist === 0 ? 'failing' : undefined;
}

/** managedFields serve apply on the server; no cache here reads them. */
function withoutManagedFields<T extends KubeObject>(object: Stored<T>): Stored<T> {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
