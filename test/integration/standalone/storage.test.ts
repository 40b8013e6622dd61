import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StandaloneError } from '../../../standalone/standalone-error.ts';
import { openDatabase } from '../../../standalone/storage/database.ts';
import { type Change, ObjectStore } from '../../../standalone/storage/object-store.ts';

const key = (name: string) => ({ resource: 'things', namespace: 'default', name });
const object = (name: string, value: string) => ({ metadata: { name }, value });

describe('the store', () => {
  let directory: string;
  let database: DatabaseSync;
  let store: ObjectStore;

  const open = () => {
    database = openDatabase(directory);
    store = new ObjectStore(database, { keptRevisions: 100 });
  };
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'jouleops-store-'));
    open();
  });
  afterEach(async () => {
    store.close();
    await rm(directory, { recursive: true, force: true });
  });

  const put = (name: string, value: string) => store.write((transaction) => transaction.put(key(name), object(name, value)));
  const names = (revision?: number) => [...store.list('things', { revision })].map((row) => row.name);

  it('gives every write the next revision, and keeps counting after a restart', async () => {
    const first = store.revision;
    await put('a', '1');
    await put('a', '2');
    expect(store.revision).toBe(first + 2);
    expect(store.read(key('a'))).toEqual({ metadata: { name: 'a', resourceVersion: String(first + 2) }, value: '2' });
    await store.write((transaction) => transaction.remove(key('a'), object('a', '2')));
    store.close();
    open();
    expect(store.revision).toBe(first + 3);
    expect(store.read(key('a'))).toBeUndefined();
  });

  it('tells listeners what was committed, in order, and nothing else', async () => {
    const seen: string[] = [];
    store.onCommit((changes: readonly Change[]) => {
      for (const { type, name, revision } of changes) seen.push(`${type} ${name} ${revision - start}`);
    });
    const start = store.revision;
    const failing = store.write((transaction) => {
      transaction.put(key('undone'), object('undone', ''));
      throw new Error('changed my mind');
    });
    const writes = [put('a', '1'), failing, put('b', '1'), put('a', '2')];
    const outcomes = await Promise.allSettled(writes);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(seen).toEqual(['ADDED a 1', 'ADDED b 2', 'MODIFIED a 3']);
    expect(names()).toEqual(['a', 'b']);
  });

  it('answers a dry run and forgets it', async () => {
    const before = store.revision;
    const dry = await store.write((transaction) => transaction.put(key('dry'), object('dry', '')), { dryRun: true });
    expect(dry).toMatchObject({ metadata: { resourceVersion: String(before + 1) } });
    expect(store.revision).toBe(before);
    expect(names()).toEqual([]);
  });

  it('reads any moment that is not forgotten', async () => {
    await put('a', '1');
    const moment = store.revision;
    await put('b', '1');
    await store.write((transaction) => transaction.remove(key('a'), object('a', '1')));
    expect(names(moment)).toEqual(['a']);
    expect(names()).toEqual(['b']);
    expect(store.changesAfter('things', moment, 10).map(({ type, name }) => `${type} ${name}`)).toEqual(['ADDED b', 'DELETED a']);
  });

  it('forgets old versions and no current object', async () => {
    await put('old', '1');
    for (let count = 0; count < 300; count += 1) await put('new', String(count));
    expect(store.compactedRevision).toBeGreaterThan(store.revision - 120);
    expect(names()).toEqual(['new', 'old']);
    const rows = database.prepare('SELECT count(*) AS count FROM versions').get();
    expect(Number(rows?.['count'])).toBeLessThan(125);
    const changes = store.changesAfter('things', store.compactedRevision, 1000);
    expect(changes.every(({ type, previous }) => type === 'MODIFIED' && previous !== undefined)).toBe(true);
  });

  it('refuses writes on a full disk, says so, loses nothing, and goes on when there is room', async () => {
    await put('before', '1');
    const pages = Number(database.prepare('PRAGMA page_count').get()?.['page_count']);
    database.exec(`PRAGMA max_page_count=${pages + 4}`);
    const large = 'x'.repeat(100_000);
    const revision = store.revision;
    const outcomes = await Promise.allSettled([put('large', large), put('large-too', large)]);
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') throw new Error('it was written to a full disk');
      expect(outcome.reason).toBeInstanceOf(StandaloneError);
      expect(outcome.reason).toMatchObject({
        message: expect.stringContaining('the disk is full'),
        next: expect.stringContaining('Free space'),
      });
    }
    expect(store.revision).toBe(revision);
    expect(names()).toEqual(['before']);
    database.exec('PRAGMA max_page_count=1000000');
    await put('large', large);
    expect(store.revision).toBe(revision + 1);
    store.close();
    open();
    expect(names()).toEqual(['before', 'large']);
  });

  it('takes no writes once it is closed', async () => {
    store.close();
    await expect(put('late', '')).rejects.toThrow('closed');
    open();
  });
});
