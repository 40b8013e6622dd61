// Everything that a revision is made of: the graph, the weights beside it, the golden set.
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Artifacts } from '../../../agent/artifacts/artifacts.ts';
import { BlobStore } from '../../../agent/artifacts/blob-store.ts';
import { type Disk, systemDisk } from '../../../agent/disk/disk.ts';
import type { ModelLoader } from '../../../agent/serving/model-loader.ts';
import { ModelStatistics } from '../../../agent/serving/model-statistics.ts';
import { RevisionRun } from '../../../agent/serving/revision-run.ts';
import type { ServedModel } from '../../../agent/serving/served-model.ts';
import { digestOf } from '../../../crds/digest.ts';
import type { Slot } from '../../../crds/model-instance.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../support/silent-logger.ts';

const [graph, weights, samples] = [Buffer.from('graph'), Buffer.from('weights'), Buffer.from('samples')];
const slot: Slot = {
  revision: 'm-1',
  modelVersionName: 'm-1',
  modelVersion: '1',
  variant: 'fp32',
  digest: digestOf(graph),
  size: graph.length,
  externalData: [{ path: 'weights.bin', digest: digestOf(weights), size: weights.length }],
  goldenSet: { digest: digestOf(samples), size: samples.length, metric: 'Accuracy', minimumPermille: 900 },
};
const address = { instanceUid: 'u', namespace: 'default', deployment: 'm' };
const loader = {
  load: () =>
    Promise.resolve({
      served: { statistics: new ModelStatistics() } as Partial<ServedModel> as ServedModel,
      samples: [],
      loadMilliseconds: 1,
    }),
  unload: () => Promise.resolve(),
} as Partial<ModelLoader> as ModelLoader;

let directory: string;
let store: BlobStore;
let ended: AbortController;
let clock: FakeClock;
/** Why nothing can be read from the disk now. */
let unreadable: string | undefined;
const disk: Disk = {
  ...systemDisk,
  readStream: (file, end) => {
    const code = unreadable;
    if (code === undefined) return systemDisk.readStream(file, end);
    return new Readable({ read: (_size) => {}, construct: (done) => done(Object.assign(new Error(code), { code })) });
  },
};
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-revision-'));
  store = new BlobStore({ directory, quotaBytes: 1e6, disk });
  await store.open();
  ended = new AbortController();
  unreadable = undefined;
  clock = new FakeClock();
});
afterEach(async () => {
  ended.abort();
  await rm(directory, { recursive: true });
});

const put = (bytes: Buffer) => writeFile(store.path(digestOf(bytes)), bytes);
const run = () => {
  const artifacts = new Artifacts({ clock, logger: silentLogger, store, origin: () => undefined });
  return new RevisionRun(address, slot, undefined, { artifacts, loader });
};

describe('a revision of several files', () => {
  it.each([
    ['the weights beside its graph', [graph, samples]],
    ['its golden set', [graph, weights]],
  ])('says why it does not come when only %s cannot be fetched', async (_, there) => {
    for (const bytes of there) await put(bytes);
    const revision = run();
    revision.beginFetch();
    const fetching = revision.fetch(ended.signal, () => {});
    await eventually(() => expect(revision.statusOf('Active')).toMatchObject({ phase: 'Failed', reason: 'DownloadFailed' }));
    expect(revision.stuck).toBe(true);
    ended.abort();
    await expect(fetching).rejects.toThrow();
    // Whoever asks for the same bytes next does not begin with that failure.
    expect(revision.failure).toBeUndefined();
  });

  it('whose files cannot be read for want of a descriptor says so, and is here without a network once they can', async () => {
    for (const bytes of [graph, weights, samples]) await put(bytes);
    unreadable = 'EMFILE';
    const revision = run();
    revision.beginFetch();
    const fetching = revision.fetch(ended.signal, () => {});
    await eventually(() => expect(revision.statusOf('Active')).toMatchObject({ phase: 'Failed', reason: 'DownloadFailed' }));
    unreadable = undefined;
    await eventually(async () => {
      await clock.advance(2000);
      expect(revision.fetched).toBe(true);
    });
    await fetching;
    expect(await store.has(digestOf(graph))).toBe(true);
  });

  it('whose files the disk cannot give back any more is fetched again', async () => {
    for (const bytes of [graph, weights, samples]) await put(bytes);
    unreadable = 'EIO';
    expect(await store.verify(digestOf(graph), ended.signal)).toBe(false);
    expect(await store.has(digestOf(graph))).toBe(false);
  });

  it.each([
    ['the graph', graph],
    ['the weights', weights],
    ['the golden set', samples],
  ])('is not loaded with %s damaged on disk, and fetches that again', async (_, damaged) => {
    for (const bytes of [graph, weights, samples]) await put(bytes);
    const revision = run();
    revision.beginFetch();
    await revision.fetch(ended.signal, () => {});
    revision.beginLoad();
    await revision.load(ended.signal);
    await revision.unload(0);
    await appendFile(store.path(digestOf(damaged)), 'x');
    revision.beginLoad();
    await expect(revision.load(ended.signal)).rejects.toThrow(`the file of ${digestOf(damaged)} was damaged on disk`);
    expect(revision.fetched).toBe(false);
    expect(await store.has(digestOf(damaged))).toBe(false);
  });
});
