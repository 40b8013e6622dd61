import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ApiError, ConnectionError } from '../../../kube/api/api-error.ts';
import { type ConfigMap, configMaps } from '../../../kube/api/builtins.ts';
import type { Client, WatchEvent } from '../../../kube/api/client.ts';
import type { KubeObject, Stored } from '../../../kube/api/objects.ts';
import { keyOf } from '../../../kube/api/resource.ts';
import { WatchStreamError } from '../../../kube/api/watch-event.ts';
import { Reflector } from '../../../kube/cache/reflector.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { RecordedMetrics } from '../../support/recorded-metrics.ts';
import { configMap } from '../../support/scripted-server.ts';
import { silentLogger } from '../../support/silent-logger.ts';

type Entry = Extract<WatchEvent<ConfigMap>, { type: 'ADDED' | 'MODIFIED' | 'DELETED' }>;
const faults = ['reset', 'expired', 'expiredEvent', 'serverError', 'malformed', 'stalled', 'throttled', 'ended'] as const;
type Fault = (typeof faults)[number];

/** A resource with its history, as an API server keeps it, and a list of troubles to come. */
class History {
  readonly objects = new Map<string, Stored<ConfigMap>>();
  readonly #log: { version: number; event: Entry }[] = [];
  readonly troubles: Fault[] = [];
  #version = 100;
  #compactedTo = 0;
  #uids = 0;
  #wake = Promise.withResolvers<void>();

  write(name: string): void {
    const old = this.objects.get(name);
    this.#version += 1;
    const object = configMap(name, String(this.#version), old?.metadata.uid ?? `uid-${++this.#uids}`);
    this.objects.set(name, object);
    this.#append({ type: old ? 'MODIFIED' : 'ADDED', object });
  }

  remove(name: string): void {
    const old = this.objects.get(name);
    if (!old) return;
    this.#version += 1;
    this.objects.delete(name);
    this.#append({ type: 'DELETED', object: configMap(name, String(this.#version), old.metadata.uid) });
  }

  /** Forgets the history: a watch from before is expired. */
  compact(): void {
    this.#compactedTo = this.#version;
  }

  #append(event: Entry): void {
    this.#log.push({ version: this.#version, event });
    this.nudge();
  }

  nudge(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  readonly client: Pick<Client, 'list' | 'watch'> = {
    list: async <T extends KubeObject>() => {
      const trouble = this.troubles.shift();
      if (trouble !== undefined && trouble !== 'ended') throw failureOf(trouble);
      const items = [...this.objects.values()] as KubeObject[] as Stored<T>[];
      return { apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: String(this.#version) }, items };
    },
    watch: async <T extends KubeObject>(_: unknown, options: { resourceVersion: string; signal: AbortSignal }) => {
      const from = Number(options.resourceVersion);
      if (from < this.#compactedTo) throw failureOf('expired');
      return this.#stream(from, options.signal) as AsyncIterable<WatchEvent<KubeObject>> as AsyncIterable<WatchEvent<T>>;
    },
  };

  async *#stream(from: number, signal: AbortSignal): AsyncGenerator<WatchEvent<ConfigMap>> {
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    for (let at = this.#log.findIndex((entry) => entry.version > from); ; ) {
      signal.throwIfAborted();
      const trouble = this.troubles.shift();
      if (trouble === 'ended') return;
      if (trouble === 'expiredEvent') yield { type: 'ERROR', object: expiredStatus };
      else if (trouble !== undefined) throw failureOf(trouble);
      const entry = at < 0 ? undefined : this.#log[at];
      if (entry !== undefined) {
        yield entry.event;
        if (entry.version % 3 === 0) yield entry.event; // now and then twice
        at += 1;
        continue;
      }
      await Promise.race([this.#wake.promise, aborted]);
      if (at < 0) at = this.#log.findIndex((later) => later.version > from);
    }
  }
}

const expiredStatus = {
  apiVersion: 'v1',
  kind: 'Status',
  metadata: {},
  status: 'Failure',
  code: 410,
  reason: 'Expired',
} as const;

function failureOf(fault: Exclude<Fault, 'ended'>): Error {
  switch (fault) {
    case 'reset':
      return new ConnectionError('ECONNRESET', 'reset', undefined);
    case 'expired':
    case 'expiredEvent':
      return new ApiError({ status: 410, reason: 'Expired', message: 'expired' });
    case 'serverError':
      return new ApiError({ status: 500, reason: 'InternalError', message: 'internal' });
    case 'throttled':
      return new ApiError({ status: 429, reason: 'TooManyRequests', message: 'slow down', retryAfterSeconds: 3 });
    case 'malformed':
    case 'stalled':
      return new WatchStreamError(fault, fault);
  }
}

test('whatever happens to objects and connections, the cache ends equal to the server and told every change', async () => {
  const name = fc.constantFrom('one', 'two', 'three', 'four');
  const step = fc.oneof(
    { weight: 5, arbitrary: name.map((which) => (history: History) => history.write(which)) },
    { weight: 2, arbitrary: name.map((which) => (history: History) => history.remove(which)) },
    { weight: 1, arbitrary: fc.constant((history: History) => history.compact()) },
    {
      weight: 3,
      arbitrary: fc.constantFrom(...faults).map((fault) => (history: History) => {
        history.troubles.push(fault);
        history.nudge();
      }),
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(step, fc.constantFrom(0, 0, 100, 5000)), { maxLength: 50 }), async (steps) => {
      const history = new History();
      const clock = new FakeClock();
      const metrics = new RecordedMetrics();
      const stop = new AbortController();
      const deps = { client: history.client, clock, logger: silentLogger, metrics };
      const reflector = new Reflector(deps, configMaps, { random: () => 0.5 });
      const heard = new Map<string, string>();
      reflector.onChange(({ kind, object, old }) => {
        // Changes are a story without holes: added before updated, gone before another takes the name.
        expect(heard.get(keyOf(object))).toBe(kind === 'added' ? undefined : old?.metadata.uid);
        if (kind === 'deleted') heard.delete(keyOf(object));
        else heard.set(keyOf(object), object.metadata.uid);
      });
      const running = reflector.run(stop.signal);
      for (const [perform, wait] of steps) {
        perform(history);
        if (wait > 0) await clock.advance(wait);
      }
      // Troubles that nobody met yet cost a wait each; then the world stands still.
      for (let round = 0; history.troubles.length > 0 && round < 100; round++) {
        history.nudge();
        await clock.advance(40_000);
      }
      await clock.advance(120_000);

      const versions = (objects: Iterable<Stored<ConfigMap>>) =>
        [...objects]
          .map((object) => `${object.metadata.name} ${object.metadata.uid} ${object.metadata.resourceVersion}`)
          .toSorted();
      expect(versions(reflector.store.list())).toEqual(versions(history.objects.values()));
      expect(heard.size).toBe(history.objects.size);
      expect(metrics.value('cache_missed_changes_total', { resource: 'configmaps' })).toBe(0);
      stop.abort();
      await running;
      expect(clock.sleeping).toBe(0);
    }),
    { numRuns: 150 },
  );
});
