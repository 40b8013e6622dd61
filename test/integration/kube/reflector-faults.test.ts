import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ConfigMap } from '../../../kube/api/builtins.ts';
import { configMaps } from '../../../kube/api/builtins.ts';
import type { Client } from '../../../kube/api/client.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import { Reflector, type ReflectorOptions } from '../../../kube/cache/reflector.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { RecordedMetrics } from '../../support/recorded-metrics.ts';
import {
  bookmark,
  configMap,
  event,
  failure,
  failureStatus,
  listing,
  reset,
  ScriptedServer,
  stream,
  streamThenEnd,
  streamThenReset,
} from '../../support/scripted-server.ts';
import { silentLogger } from '../../support/silent-logger.ts';

let server: ScriptedServer;
let client: Client;
let clock: FakeClock;
let metrics: RecordedMetrics;
let stop: AbortController;
let running: Promise<void>;
let changes: string[];

beforeEach(async () => {
  server = await ScriptedServer.start();
  clock = new FakeClock();
  client = createClient({ server: server.url }, { clock });
  metrics = new RecordedMetrics();
  stop = new AbortController();
  changes = [];
  running = Promise.resolve();
});
afterEach(async () => {
  stop.abort();
  await running;
  expect(clock.sleeping).toBe(0); // no timer outlives its reflector
  await client.close();
  await server.close();
});

function start(options: ReflectorOptions<ConfigMap> = {}): Reflector<ConfigMap> {
  const reflector = new Reflector({ client, clock, logger: silentLogger, metrics }, configMaps, { random: () => 0, ...options });
  reflector.onChange(({ kind, object }) => changes.push(`${kind} ${object.metadata.name}@${object.metadata.resourceVersion}`));
  running = reflector.run(stop.signal);
  return reflector;
}

/** Time passes in small steps until the probe holds. */
function soon(probe: () => void, stepMilliseconds = 250): Promise<void> {
  return eventually(
    async () => {
      await clock.advance(stepMilliseconds);
      probe();
    },
    10,
    2,
  );
}

const versionsWatched = () => server.watchRequests.map((request) => request.query.get('resourceVersion'));
const relists = (cause: string) => metrics.value('watch_relists_total', { resource: 'configmaps', cause });
const reconnects = (cause: string) => metrics.value('watch_reconnects_total', { resource: 'configmaps', cause });

test('lists, then watches from that version with bookmarks and a random end', async () => {
  server.objects = [configMap('one', '5')];
  const reflector = start();
  await reflector.synced;
  await eventually(() => expect(server.watchRequests).toHaveLength(1));
  const query = server.watchRequests[0]?.query;
  expect(Object.fromEntries(query ?? [])).toEqual({
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: '10',
    timeoutSeconds: '300',
  });
  expect(reflector.store.get('a/one')).toMatchObject({ kind: 'ConfigMap', metadata: { resourceVersion: '5' } });
  expect(changes).toEqual(['added one@5']);
});

test('watches one object for longer, and lists it less often: there are as many such watches as devices', async () => {
  server.objects = [configMap('one', '5')];
  const reflector = start({ name: 'one' });
  await reflector.synced;
  await eventually(() => expect(server.watchRequests).toHaveLength(1));
  const query = server.watchRequests[0]?.query;
  expect([query?.get('fieldSelector'), query?.get('timeoutSeconds')]).toEqual(['metadata.name=one', '900']);
  expect(relists('periodic')).toBe(0);
  // It is silent: cut and opened again every two minutes.
  await soon(() => expect(relists('periodic')).toBe(1), 10_000);
  expect(clock.monotonic()).toBeGreaterThan(1_790_000);
  expect(clock.monotonic()).toBeLessThan(2_000_000);
});

test('is synced only by a complete list, however often lists fail', async () => {
  server.lists.push(...Array.from({ length: 6 }, () => failure(403, 'Forbidden')), reset());
  const reflector = start();
  let synced = false;
  void reflector.synced.then(() => {
    synced = true;
  });
  await eventually(() => expect(server.listRequests.length).toBeGreaterThan(0));
  expect([synced, reflector.store.synced]).toEqual([false, false]);
  await soon(() => expect(synced).toBe(true));
  expect(reflector.store.synced).toBe(true);
});

test('410 by status: lists again and emits the deletion that fell into the gap', async () => {
  server.objects = [configMap('stays', '5'), configMap('goes', '6')];
  server.watches.push(failure(410, 'Expired'));
  start();
  await eventually(() => expect(changes).toHaveLength(2));
  server.objects = [configMap('stays', '5')];
  server.version = '20';
  await soon(() => expect(changes).toContain('deleted goes@6'));
  await soon(() => expect(versionsWatched()).toEqual(['10', '20']));
  expect(changes.filter((change) => change.includes('stays'))).toEqual(['added stays@5']);
  expect(relists('expired')).toBe(1);
});

test('410 by an ERROR event inside a stream that began with 200: lists again', async () => {
  server.watches.push(streamThenEnd(event('ERROR', failureStatus(410, 'Expired'))));
  start();
  await soon(() => expect(relists('expired')).toBe(1));
  await soon(() => expect(server.openWatches).toBe(1));
});

test('a version ahead of all that the server knows: lists again, for below it the server would tell nothing', async () => {
  const status = failureStatus(504, 'Timeout');
  const tooLarge = {
    ...status,
    details: { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }] },
  };
  server.watches.push(streamThenEnd(event('ERROR', tooLarge)));
  start();
  await soon(() => expect(relists('expired')).toBe(1));
});

test('an ERROR event with 500: waits, then watches on from the same version without a list', async () => {
  server.watches.push(streamThenEnd(event('ADDED', configMap('one', '12')), event('ERROR', failureStatus(500, 'InternalError'))));
  start();
  await soon(() => expect(versionsWatched()).toEqual(['10', '12']));
  expect(server.listRequests).toHaveLength(1);
  expect(reconnects('error')).toBe(1);
});

test('a watch that fails again and again leads to a list', async () => {
  server.watches.push(...Array.from({ length: 5 }, () => failure(500, 'InternalError')));
  start();
  await soon(() => expect(relists('failing')).toBe(1));
});

test('quiet watches that stood for a while and are then cut are no failures in a row: short waits, no list', async () => {
  start();
  for (let round = 1; round <= 8; round += 1) {
    await soon(() => expect(server.openWatches).toBe(1), 100);
    await clock.advance(60_000);
    const cutAt = clock.monotonic();
    server.resetWatches();
    await soon(() => expect(server.watchRequests).toHaveLength(round + 1), 100);
    expect(clock.monotonic() - cutAt).toBeLessThan(2000);
  }
  expect(server.listRequests).toHaveLength(1);
});

test('a reset connection: goes on from the last version it saw, a bookmark counts', async () => {
  server.watches.push(streamThenReset(event('ADDED', configMap('one', '12')), bookmark('15')));
  const reflector = start();
  await soon(() => expect(versionsWatched()).toEqual(['10', '15']));
  expect(reflector.store.size).toBe(1);
  expect(reconnects('unreachable')).toBe(1);
});

test('a silent stall: cut after two minutes and opened again from the same version', async () => {
  start();
  await eventually(() => expect(server.openWatches).toBe(1));
  await clock.advance(119_000);
  expect(server.watchRequests).toHaveLength(1);
  await soon(() => expect(server.watchRequests).toHaveLength(2));
  await eventually(() => expect(server.openWatches).toBe(1));
  expect(versionsWatched()).toEqual(['10', '10']);
  expect(reconnects('stalled')).toBe(1);
});

test('a watch that says something every minute is left alone', async () => {
  start();
  await eventually(() => expect(server.openWatches).toBe(1));
  for (let minute = 1; minute <= 4; minute++) {
    await clock.advance(60_000);
    server.send(bookmark(String(10 * minute)), event('ADDED', configMap(`minute-${minute}`, String(10 * minute + 1))));
    await eventually(() => expect(changes).toHaveLength(minute));
  }
  expect(server.watchRequests).toHaveLength(1);
});

test('a server that ignores timeoutSeconds is cut a little later', async () => {
  start({ relistSeconds: 10 });
  await eventually(() => expect(server.openWatches).toBe(1));
  await soon(() => expect(server.listRequests).toHaveLength(2), 1000);
  expect(relists('periodic')).toBe(1);
});

test('half a line: an event may be lost, so it lists again', async () => {
  server.watches.push(streamThenEnd(event('ADDED', configMap('one', '12')), '{"type":"ADDED","obj'));
  start();
  await soon(() => expect(relists('malformed')).toBe(1));
});

test('a line that is not an event: lists again', async () => {
  server.watches.push(streamThenEnd('<html>\n'));
  start();
  await soon(() => expect(relists('malformed')).toBe(1));
});

test('duplicate and late events change nothing', async () => {
  const lines = [
    event('ADDED', configMap('one', '12')),
    event('ADDED', configMap('one', '12')),
    event('MODIFIED', configMap('one', '14')),
    event('MODIFIED', configMap('one', '13')),
    event('DELETED', configMap('one', '16')),
    event('MODIFIED', configMap('one', '15')),
    event('DELETED', configMap('one', '16')),
    event('ADDED', configMap('last', '17')),
  ];
  server.watches.push(stream(...lines));
  start();
  await soon(() => expect(changes.at(-1)).toBe('added last@17'));
  expect(changes).toEqual(['added one@12', 'updated one@14', 'deleted one@14', 'added last@17']);
});

test('events that a reconnect replays change nothing', async () => {
  const replayed = [event('ADDED', configMap('one', '12')), event('MODIFIED', configMap('one', '13'))];
  server.watches.push(streamThenReset(...replayed), stream(...replayed, event('MODIFIED', configMap('one', '14'))));
  start();
  await soon(() => expect(changes.at(-1)).toBe('updated one@14'));
  expect(changes).toEqual(['added one@12', 'updated one@13', 'updated one@14']);
});

test('deleted and created again in a gap: the old one is gone, the new one is there', async () => {
  server.objects = [configMap('one', '5', 'first')];
  server.watches.push(failure(410, 'Expired'));
  start();
  await eventually(() => expect(changes).toHaveLength(1));
  server.objects = [configMap('one', '15', 'second')];
  server.version = '20';
  await soon(() => expect(changes).toEqual(['added one@5', 'deleted one@5', 'added one@15']));
});

test('the late deletion of an earlier object leaves its namesake alone', async () => {
  server.objects = [configMap('one', '9', 'second')];
  server.watches.push(stream(event('DELETED', configMap('one', '11', 'first')), event('ADDED', configMap('last', '12'))));
  const reflector = start();
  await soon(() => expect(changes.at(-1)).toBe('added last@12'));
  expect(reflector.store.get('a/one')?.metadata.uid).toBe('second');
});

test('a server restored from a backup: lower versions and a deleted object that is back are taken as they are', async () => {
  server.objects = [configMap('one', '5')];
  server.watches.push(streamThenEnd(event('DELETED', configMap('one', '16')), event('ERROR', failureStatus(410, 'Expired'))));
  start();
  await eventually(() => expect(changes).toEqual(['added one@5', 'deleted one@5']));
  server.version = '8';
  server.watches.push(stream(event('MODIFIED', configMap('one', '9'))));
  await soon(() => expect(changes.slice(2)).toEqual(['added one@5', 'updated one@9']));
});

test('two hundred broken watches leave no socket, no timer and no open watch behind', async () => {
  for (let i = 0; i < 200; i++) {
    const line = event('MODIFIED', configMap('one', String(20 + i)));
    server.watches.push([streamThenReset, streamThenEnd, stream][i % 3]?.(line) ?? stream());
  }
  start();
  await soon(() => {
    if (server.watchRequests.length % 3 === 0) server.endWatches();
    expect(server.watches).toHaveLength(0);
  }, 2000);
  await soon(() => expect(server.openWatches).toBe(1), 10);
  expect(await server.connections()).toBeLessThanOrEqual(2);
  expect(clock.sleeping).toBe(1); // the deadline of the one watch
});

test('stopped between two events that came together: the second changes nothing', async () => {
  server.watches.push(stream(event('ADDED', configMap('one', '12')), event('ADDED', configMap('two', '13'))));
  const reflector = start();
  reflector.onChange(() => stop.abort());
  await running;
  expect(changes).toEqual(['added one@12']);
});

test('429 with Retry-After: waits as long as told', async () => {
  server.watches.push(failure(429, 'TooManyRequests', { 'retry-after': '20' }));
  start();
  await soon(() => expect(server.watchRequests).toHaveLength(1));
  await clock.advance(19_000);
  expect(server.watchRequests).toHaveLength(1);
  await soon(() => expect(server.watchRequests).toHaveLength(2));
});

test('stopped during back-off: no request follows', async () => {
  server.watches.push(failure(500, 'InternalError'));
  start();
  await soon(() => expect(server.watchRequests).toHaveLength(1), 0);
  await eventually(() => expect(reconnects('error')).toBe(1));
  stop.abort();
  await running;
  const requests = server.requests.length;
  await clock.advance(120_000);
  await client.raw('GET', '/marker', { signal: AbortSignal.timeout(5000) });
  expect(server.requests.slice(requests).map((request) => request.path)).toEqual(['/marker']);
  expect(server.openWatches).toBe(0);
});

test('stopped during a watch: the connection closes', async () => {
  start();
  await eventually(() => expect(server.openWatches).toBe(1));
  stop.abort();
  await running;
  await eventually(() => expect(server.openWatches).toBe(0));
});

test('a second run is refused', async () => {
  const reflector = start();
  await expect(reflector.run(stop.signal)).rejects.toThrow('runs already');
});

test('an expired page restarts the list', async () => {
  server.lists.push(listing([configMap('old', '1')], '8', 'next'), failure(410, 'Expired'));
  server.objects = [configMap('new', '9')];
  start();
  await soon(() => expect(changes).toEqual(['added new@9']));
  expect(server.listRequests.map((request) => [request.query.get('limit'), request.query.get('continue')])).toEqual([
    ['500', null],
    ['500', 'next'],
    ['500', null],
  ]);
});

test('a periodic list finds what the watch did not deliver, repairs it and counts it', async () => {
  server.objects = [configMap('one', '5')];
  server.watches.push(stream(bookmark('30')));
  const reflector = start({ relistSeconds: 300 });
  await reflector.synced;
  await eventually(() => expect(server.openWatches).toBe(1));
  server.objects = [configMap('one', '20')];
  server.version = '31';
  server.endWatches();
  await clock.advance(100);
  await soon(() => expect(changes).toEqual(['added one@5', 'updated one@20']), 2000);
  expect(metrics.value('cache_missed_changes_total', { resource: 'configmaps' })).toBe(1);
  expect(relists('periodic')).toBe(1);
});

test('a change between the watch and the list is not called missed', async () => {
  server.objects = [configMap('one', '5')];
  const reflector = start({ relistSeconds: 300 });
  await reflector.synced;
  server.objects = [configMap('one', '20')];
  server.version = '31';
  await soon(() => expect(changes).toEqual(['added one@5', 'updated one@20']), 2000);
  expect(metrics.value('cache_missed_changes_total', { resource: 'configmaps' })).toBe(0);
});

test('managed fields are dropped, handlers that throw harm nobody', async () => {
  const managed = configMap('one', '5');
  managed.metadata.managedFields = [{ manager: 'm', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: {} }];
  server.objects = [managed];
  const reflector = start();
  reflector.onChange(() => {
    throw new Error('a bad handler');
  });
  await reflector.synced;
  expect(reflector.store.get('a/one')?.metadata.managedFields).toBeUndefined();
  await eventually(() => expect(server.openWatches).toBe(1));
});

test('one object by name: both the list and the watch say so', async () => {
  const reflector = start({ namespace: 'a', name: 'one' });
  await reflector.synced;
  await eventually(() => expect(server.watchRequests).toHaveLength(1));
  expect(server.requests.map((request) => [request.path, request.query.get('fieldSelector')])).toEqual([
    ['/api/v1/namespaces/a/configmaps', 'metadata.name=one'],
    ['/api/v1/namespaces/a/configmaps', 'metadata.name=one'],
  ]);
});
