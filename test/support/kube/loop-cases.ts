import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ConfigMap, configMaps, namespaces } from '../../../kube/api/builtins.ts';
import type { Client } from '../../../kube/api/client.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import { keyOf, parseKey } from '../../../kube/api/resource.ts';
import { Reflector } from '../../../kube/cache/reflector.ts';
import { runWithLeadership } from '../../../kube/election/leader-election.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';
import { createController } from '../../../kube/runtime/controller.ts';
import { Expectations } from '../../../kube/runtime/expectations.ts';
import { eventually } from '../eventually.ts';
import { RecordedMetrics } from '../recorded-metrics.ts';
import { silentLogger } from '../silent-logger.ts';
import type { ApiServer } from './api-server.ts';

const signal = AbortSignal.timeout(110_000);
const namespace = `loop-${randomBytes(4).toString('hex')}`;

/** The same cases for the embedded and for a real API server: the loop as the product uses it. */
export function loopCases(start: () => Promise<ApiServer>): void {
  let api: ApiServer;
  let client: Client;
  const calls: string[] = [];

  beforeAll(async () => {
    api = await start();
    client = createClient(api.admin, { onCall: ({ method, path }) => calls.push(`${method} ${path}`) });
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { signal });
  });
  afterAll(async () => {
    await client.delete(namespaces, { name: namespace }, { signal });
    await client.close();
    await api.close();
  });

  const put = (name: string, data: Record<string, string>, labels = { kept: 'yes' }) =>
    client.apply(configMaps, { metadata: { name, namespace, labels }, data }, { signal, fieldManager: 'test' });

  test('a cache follows creates, updates, deletes and a name that is taken again', async () => {
    const stop = new AbortController();
    const metrics = new RecordedMetrics();
    const reflector = new Reflector<ConfigMap>({ client, clock: systemClock, logger: silentLogger, metrics }, configMaps, {
      namespace,
      labelSelector: 'kept=yes',
      indexers: { value: (object) => Object.values(object.data ?? {}) },
    });
    const changes: string[] = [];
    reflector.onChange(({ kind, object }) => changes.push(`${kind} ${object.metadata.name} ${object.data?.['v'] ?? ''}`));
    await put('before', { v: '0' });
    const running = reflector.run(stop.signal);
    await reflector.synced;
    await put('one', { v: '1' });
    await put('one', { v: '2' });
    await client.delete(configMaps, { namespace, name: 'one' }, { signal });
    await put('one', { v: '3' });
    await client.patch(
      configMaps,
      { namespace, name: 'before' },
      { kind: 'merge', body: { metadata: { labels: { kept: 'no' } } } },
      { signal },
    );
    await eventually(() => expect(changes).toHaveLength(6));
    expect(changes).toEqual([
      'added before 0',
      'added one 1',
      'updated one 2',
      'deleted one 2',
      'added one 3',
      'deleted before 0',
    ]);
    expect(reflector.store.byIndex('value', '3').map(keyOf)).toEqual([`${namespace}/one`]);
    expect(reflector.store.get(`${namespace}/one`)?.metadata.managedFields).toBeUndefined();

    // Left the selection and came back: the same uid again.
    await put('before', { v: '0' });
    await eventually(() => expect(changes.at(-1)).toBe('added before 0'));
    stop.abort();
    await running;
    expect(metrics.value('watch_relists_total', { resource: 'configmaps', cause: 'initial' })).toBe(1);
  });

  test('a controller copies every object once, and the second time writes nothing', async () => {
    const stop = new AbortController();
    const source = new Reflector<ConfigMap>({ client, clock: systemClock, logger: silentLogger }, configMaps, {
      namespace,
      labelSelector: 'role=source',
    });
    const copies = new Reflector<ConfigMap>({ client, clock: systemClock, logger: silentLogger }, configMaps, {
      namespace,
      labelSelector: 'role=copy',
    });
    const expectations = new Expectations({ store: copies.store, clock: systemClock });
    let writes = 0;
    const controller = createController(
      { clock: systemClock, logger: silentLogger },
      {
        name: 'copier',
        workers: 4,
        synced: [source.synced, copies.synced],
        async reconcile(key, passSignal) {
          const object = source.store.get(key);
          if (!object) return { kind: 'done' };
          if (!expectations.satisfied(key)) {
            return { kind: 'requeueAfter', seconds: 0.05, reason: 'CacheBehind', message: 'own write not seen yet' };
          }
          const name = `copy-of-${parseKey(key).name}`;
          const copy = copies.store.get(`${namespace}/${name}`);
          if (copy?.data?.['v'] === object.data?.['v']) return { kind: 'done' };
          writes += 1;
          const desired = { metadata: { namespace, name, labels: { role: 'copy' } }, data: object.data ?? {} };
          expectations.expectWrite(key, await client.apply(configMaps, desired, { signal: passSignal, fieldManager: 'copier' }));
          return { kind: 'done' };
        },
      },
    );
    source.onChange(({ object }) => controller.queue.add(keyOf(object)));
    copies.onChange(({ object }) => {
      for (const sourceObject of source.store.list()) {
        if (object.metadata.name === `copy-of-${sourceObject.metadata.name}`) controller.queue.add(keyOf(sourceObject));
      }
    });
    const running = Promise.all([source.run(stop.signal), copies.run(stop.signal), controller.run(stop.signal)]);
    const names = Array.from({ length: 30 }, (_, i) => `s${i}`);
    const sources = (v: string) =>
      Promise.all(
        names.map((name) =>
          client.apply(
            configMaps,
            { metadata: { namespace, name, labels: { role: 'source' } }, data: { v } },
            { signal, fieldManager: 'test' },
          ),
        ),
      );
    const copied = (v: string) => copies.store.list().filter((copy) => copy.data?.['v'] === v).length;
    await sources('1');
    await eventually(() => expect(copied('1')).toBe(30));
    await sources('2');
    await eventually(() => expect(copied('2')).toBe(30));
    expect(writes).toBe(60);

    for (const name of names) controller.queue.add(`${namespace}/${name}`);
    await eventually(() => expect(controller.queue.length).toBe(0));
    stop.abort();
    await running;
    expect(writes).toBe(60);
  });

  test('of two candidates one leads, and the other takes over as soon as it is released', async () => {
    const leaders: string[] = [];
    const candidate = (identity: string) => {
      const stop = new AbortController();
      const lead = (leading: AbortSignal) => {
        leaders.push(identity);
        return new Promise<void>((resolve) => leading.addEventListener('abort', () => resolve(), { once: true }));
      };
      const options = { namespace, name: 'lock', identity };
      const ended = runWithLeadership({ client, clock: systemClock, logger: silentLogger }, options, lead, stop.signal);
      return { stop, ended };
    };
    const one = candidate('one');
    await eventually(() => expect(leaders).toEqual(['one']));
    const two = candidate('two');
    one.stop.abort();
    await one.ended;
    await eventually(() => expect(leaders).toEqual(['one', 'two']), 6);
    two.stop.abort();
    await two.ended;
  });

  test('the calls it made are few', () => {
    const watches = calls.filter((call) => call === `GET /api/v1/namespaces/${namespace}/configmaps`).length;
    expect(watches).toBe(6); // three caches, each one list and one watch
  });
}
