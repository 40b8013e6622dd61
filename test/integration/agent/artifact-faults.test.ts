import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { Agent } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Artifacts } from '../../../agent/artifacts/artifacts.ts';
import { BlobStore } from '../../../agent/artifacts/blob-store.ts';
import { download } from '../../../agent/artifacts/downloader.ts';
import { digestOf } from '../../../crds/digest.ts';
import type { Clock } from '../../../kube/runtime/clock.ts';
import { fetchManyTimes } from '../../support/artifact-faults/runs.ts';

type Fault = 'none' | 'cut' | 'corrupt' | 'ignoresRange';

const never = new AbortController().signal;
const logger = pino({ level: 'silent' });
/** Real time, but waits pass at once: only their order matters here. */
const hasty: Clock = { now: () => Date.now(), monotonic: () => performance.now(), sleep: () => Promise.resolve() };

describe('fetching artifacts from a source that fails', () => {
  const content = randomBytes(300_000);
  const digest = digestOf(content);
  const wanted = { digest, declaredBytes: content.length, what: 'model-1 (fp32)' };
  let server: Server;
  let url: string;
  let sent = 0;
  let faults: Fault[] = [];
  const directories: string[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      answer(faults.shift() ?? 'none', from, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    for (const directory of directories) await rm(directory, { recursive: true, force: true });
  });

  function answer(fault: Fault, from: number, response: ServerResponse): void {
    const start = fault === 'ignoresRange' ? 0 : from;
    let body = content.subarray(start);
    if (fault === 'corrupt') body = Buffer.concat([body.subarray(0, -1), Buffer.from([(body.at(-1) ?? 0) ^ 1])]);
    const announced = body.length;
    const range = start > 0 ? { 'content-range': `bytes ${start}-${content.length - 1}/${start + announced}` } : {};
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': announced, ...range });
    if (fault === 'cut') {
      const part = body.subarray(0, Math.floor(body.length / 2));
      sent += part.length;
      response.write(part, () => setImmediate(() => response.destroy()));
      return;
    }
    sent += body.length;
    response.end(body);
  }

  async function fresh(quotaBytes = 1e9): Promise<Artifacts> {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-artifacts-'));
    directories.push(directory);
    const store = new BlobStore({ directory, quotaBytes });
    await store.open();
    return new Artifacts({ clock: hasty, logger, store, origin: () => ({ url, dispatcher: new Agent() }) });
  }

  it('ends every one of 200 runs verified, or with the condition that fits, and fetches no byte twice that it could keep', async () => {
    const outcomes = await fetchManyTimes(200);
    expect(outcomes).toHaveLength(200);
    for (const run of outcomes) {
      expect(run.outcome, JSON.stringify(run)).toBe(run.expected);
      expect(run.clean, JSON.stringify(run)).toBe(true);
      const isKept = ['none', 'cut', 'stall', 'slow', 'error', 'announcesMore'].includes(run.fault);
      if (isKept && Number.isFinite(run.times)) expect(run.ratio, JSON.stringify(run)).toBeLessThanOrEqual(1.1);
    }
  });

  it('takes what was kept for damaged when the rest does not go with it, and starts again', async () => {
    const artifacts = await fresh();
    await writeFile(artifacts.store.partialPath(digest), randomBytes(1000));
    const deps = { store: artifacts.store, origin: () => ({ url, dispatcher: new Agent() }), logger };
    await expect(download(deps, wanted, () => {}, never)).rejects.toMatchObject({
      reason: 'DownloadFailed',
      message: expect.stringContaining('the 1000 bytes kept from an earlier try') as string,
    });
    await download(deps, wanted, () => {}, never);
    expect(await artifacts.store.verify(digest, never)).toBe(true);
  });

  it('keeps nothing of bytes that are not the right ones, and says which were expected', async () => {
    const artifacts = await fresh();
    faults = ['corrupt'];
    const attempt = download(
      { store: artifacts.store, origin: () => ({ url, dispatcher: new Agent() }), logger },
      wanted,
      () => {},
      never,
    );
    await expect(attempt).rejects.toMatchObject({
      reason: 'DigestMismatch',
      message: expect.stringContaining(`expected ${digest}`),
    });
    await expect(readFile(artifacts.store.partialPath(digest))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await artifacts.store.has(digest)).toBe(false);
  });

  it('goes on where it ended after a restart', async () => {
    const artifacts = await fresh();
    faults = ['cut'];
    const deps = { store: artifacts.store, origin: () => ({ url, dispatcher: new Agent() }), logger };
    await expect(download(deps, wanted, () => {}, never)).rejects.toMatchObject({ reason: 'DownloadFailed' });
    sent = 0;
    await download(deps, wanted, () => {}, never);
    expect(sent).toBeLessThan(content.length);
    expect(await artifacts.store.verify(digest, never)).toBe(true);
  });

  it('starts again when the source does not know ranges', async () => {
    const artifacts = await fresh();
    const deps = { store: artifacts.store, origin: () => ({ url, dispatcher: new Agent() }), logger };
    faults = ['cut', 'ignoresRange'];
    await expect(download(deps, wanted, () => {}, never)).rejects.toMatchObject({ reason: 'DownloadFailed' });
    await download(deps, wanted, () => {}, never);
    expect(await artifacts.store.verify(digest, never)).toBe(true);
  });

  it('refuses a source that sends far more than was declared', async () => {
    const artifacts = await fresh();
    const deps = { store: artifacts.store, origin: () => ({ url, dispatcher: new Agent() }), logger };
    const huge = randomBytes(3_000_000);
    const small = { ...wanted, declaredBytes: 1000 };
    const liar = createServer((_, response) => response.writeHead(200, { 'content-length': huge.length }).end(huge));
    await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve));
    const origin = () => ({ url: `http://127.0.0.1:${(liar.address() as AddressInfo).port}`, dispatcher: new Agent() });
    await expect(download({ ...deps, origin }, small, () => {}, never)).rejects.toMatchObject({ reason: 'SizeMismatch' });
    liar.closeAllConnections();
    await new Promise((resolve) => liar.close(resolve));
  });

  it('says with numbers that the quota is used up, and evicts only what no slot refers to', async () => {
    const artifacts = await fresh(400_000);
    await artifacts.ensure(wanted, () => {}, never);
    artifacts.store.pinnedBy(() => new Set([digest]));
    await expect(artifacts.store.makeRoom(200_000, 'model-2 (fp32)')).rejects.toMatchObject({
      reason: 'InsufficientStorage',
      message: expect.stringMatching(
        /model-2 \(fp32\) needs 195\.3 KiB; the quota is 390\.6 KiB, of which models in use hold 293\.0 KiB/,
      ),
    });
    artifacts.store.pinnedBy(() => new Set());
    await artifacts.store.makeRoom(200_000, 'model-2 (fp32)');
    expect(await artifacts.store.has(digest)).toBe(false);
  });

  it('notices bytes that changed on disk, and drops them', async () => {
    const artifacts = await fresh();
    await artifacts.ensure(wanted, () => {}, never);
    await writeFile(artifacts.store.path(digest), content.subarray(0, 1000));
    expect(await artifacts.store.verify(digest, never)).toBe(false);
    expect(await artifacts.store.has(digest)).toBe(false);
  });
});
