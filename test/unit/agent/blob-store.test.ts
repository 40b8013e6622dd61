// The quota of artifacts, also for what is still on its way.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BlobStore } from '../../../agent/artifacts/blob-store.ts';

let directory: string;
let store: BlobStore;
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-blobs-'));
  store = new BlobStore({ directory, quotaBytes: 1000, reserveBytes: 0 });
  await store.open();
});
afterEach(() => rm(directory, { recursive: true }));

describe('room for artifacts', () => {
  it('is not given twice to two that ask together', async () => {
    const [first, second] = await Promise.allSettled([store.makeRoom(600, 'first'), store.makeRoom(600, 'second')]);
    expect(first.status).toBe('fulfilled');
    expect(second).toMatchObject({
      status: 'rejected',
      reason: { reason: 'InsufficientStorage', message: expect.stringContaining('and models on their way 600 B') as string },
    });
    if (first.status === 'fulfilled') first.value[Symbol.dispose]();
    using _ = await store.makeRoom(600, 'second');
  });

  it('is asked of the quota for the whole of it, though a part is on the disk from an earlier try', async () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    await writeFile(store.path(digest), Buffer.alloc(500));
    store.pinnedBy(() => new Set([digest]));
    await expect(store.makeRoom(600, 'second', 300)).rejects.toMatchObject({ reason: 'InsufficientStorage' });
    using _ = await store.makeRoom(500, 'second', 300);
  });
});
