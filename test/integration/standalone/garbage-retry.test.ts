import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startGarbageCollector } from '../../../standalone/garbage/collector.ts';
import { createRegistry } from '../../../standalone/registry/registry.ts';
import type { JsonObject } from '../../../standalone/schema/json.ts';
import { openDatabase } from '../../../standalone/storage/database.ts';
import { ObjectStore, type Transaction } from '../../../standalone/storage/object-store.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

/** A store whose writes fail when a test says so, as on a full disk. */
class FailingStore extends ObjectStore {
  fails: (() => boolean) | undefined;
  attempts = 0;

  override write<T>(body: (transaction: Transaction) => T, options: { dryRun?: boolean } = {}): Promise<T> {
    this.attempts += 1;
    return super.write((transaction) => {
      const value = body(transaction);
      if (this.fails?.()) throw new Error('the disk is full');
      return value;
    }, options);
  }
}

describe('garbage collection after a write that failed', () => {
  const registry = createRegistry([]);
  const resource = registry.configMaps.storage;
  let directory: string;
  let store: FailingStore;
  let clock: FakeClock;
  let log: ReturnType<typeof recordingLogger>;
  let collector: ReturnType<typeof startGarbageCollector>;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'jouleops-garbage-'));
    store = new FailingStore(openDatabase(directory), { keptRevisions: 1000 });
    clock = new FakeClock();
    log = recordingLogger();
    collector = startGarbageCollector({ registry, store, clock, logger: log.logger });
  });
  afterEach(async () => {
    collector.close();
    store.close();
    await rm(directory, { recursive: true, force: true });
  });

  const key = (name: string) => ({ resource, namespace: 'default', name });
  const names = () => Array.from(store.list(resource, {}), (row) => row.name);
  const put = (name: string, owner?: string) => {
    const ownerReferences =
      owner === undefined ? [] : [{ apiVersion: 'v1', kind: 'ConfigMap', name: owner, uid: `uid-${owner}` }];
    const object: JsonObject = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'default', uid: `uid-${name}`, ownerReferences },
    };
    return store.write((transaction) => transaction.put(key(name), object));
  };
  const remove = (name: string) => store.write((transaction) => transaction.remove(key(name), transaction.read(key(name)) ?? {}));
  const failures = () => log.lines.filter(({ msg }) => msg?.startsWith('garbage collection failed')).length;

  it('goes on when there is room again, without a restart', async () => {
    await put('owner');
    await put('child', 'owner');
    store.fails = () => store.read(key('child')) === undefined;
    await remove('owner');
    await eventually(() => expect(failures()).toBe(1));
    store.fails = undefined;
    expect(names()).toEqual(['child']);
    await clock.advance(5000);
    await eventually(() => expect(names()).toEqual([]));
    expect(clock.sleeping).toBe(0);
  });

  it('is kept from nothing else by one object that cannot be deleted', async () => {
    await put('owner');
    for (const name of ['a', 'bad', 'c']) await put(name, 'owner');
    store.fails = () => store.read(key('bad')) === undefined;
    await remove('owner');
    await eventually(() => expect(failures()).toBe(1));
    await clock.advance(5000);
    await eventually(() => expect(names()).toEqual(['bad']));
    store.fails = undefined;
    await clock.advance(5000);
    await eventually(() => expect(names()).toEqual([]));
  });

  it('tries no more once the server stops', async () => {
    await put('owner');
    await put('child', 'owner');
    store.fails = () => store.read(key('child')) === undefined;
    await remove('owner');
    await eventually(() => expect(failures()).toBe(1));
    const { attempts } = store;
    collector.close();
    await clock.advance(60_000);
    expect(store.attempts).toBe(attempts);
    expect(clock.sleeping).toBe(0);
  });
});
