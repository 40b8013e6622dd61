import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expireObjects } from '../../../standalone/garbage/expiry.ts';
import { createRegistry } from '../../../standalone/registry/registry.ts';
import type { JsonObject } from '../../../standalone/schema/json.ts';
import { openDatabase } from '../../../standalone/storage/database.ts';
import { ObjectStore } from '../../../standalone/storage/object-store.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../support/silent-logger.ts';

const minute = 60_000;

describe('what nobody else deletes', () => {
  const registry = createRegistry([]);
  const stopping = new AbortController();
  let directory: string;
  let store: ObjectStore;
  let clock: FakeClock;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'jouleops-expiry-'));
    store = new ObjectStore(openDatabase(directory), { keptRevisions: 1000 });
    clock = new FakeClock(Date.parse('2026-01-01T00:00:00Z'));
  });
  afterEach(async () => {
    stopping.abort();
    store.close();
    await rm(directory, { recursive: true, force: true });
  });

  const put = (resource: string, name: string, object: JsonObject = {}) => {
    const metadata = { name, creationTimestamp: new Date(clock.now()).toISOString() };
    return store.write((transaction) => transaction.put({ resource, namespace: '', name }, { ...object, metadata }));
  };
  const resources = [registry.events.storage, registry.certificateSigningRequests.storage, 'others'];
  const left = () => resources.flatMap((resource) => Array.from(store.list(resource, {}), (row) => row.name));

  it('goes in time: events after an hour, requests an hour after the decision or after a day, anything else never', async () => {
    const requests = registry.certificateSigningRequests.storage;
    await put(registry.events.storage, 'event');
    await put(registry.events.storage, 'repeated', { series: { count: 2, lastObservedTime: '2026-01-01T00:50:00.000000Z' } });
    for (let count = 0; count < 1200; count += 1) await put(registry.events.storage, `many-${count}`);
    await put(requests, 'decided', { status: { conditions: [{ type: 'Approved' }] } });
    await put(requests, 'pending');
    await put('others', 'other');
    const running = expireObjects({ registry, store, clock, logger: silentLogger }, stopping.signal);
    const leaves = async (minutes: number, names: string[]) => {
      await eventually(() => expect(clock.sleeping).toBe(1));
      await clock.advance(minutes * minute);
      await eventually(() => expect(left()).toEqual(names));
    };
    await leaves(71, ['repeated', 'pending', 'other']);
    await leaves(60, ['pending', 'other']);
    await leaves(23 * 60, ['other']);
    stopping.abort();
    await running;
  });
});
