import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isPrivateAddress } from '../../../controller/artifacts/address-policy.ts';
import { createHttpsOrigin } from '../../../controller/artifacts/https-origin.ts';
import { paced } from '../../../controller/artifacts/paced.ts';
import { openSource } from '../../../controller/artifacts/source.ts';
import { ArtifactStore } from '../../../controller/artifacts/store.ts';
import { createStoreOrigin } from '../../../controller/artifacts/store-origin.ts';
import { parseRange } from '../../../controller/device-port/artifacts-route.ts';
import { digestOf } from '../../../crds/digest.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const signal = AbortSignal.timeout(20_000);
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-artifacts-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const open = (quotaBytes = 1000, referenced = new Set<string>()) =>
  ArtifactStore.open({ directory: path.join(directory, 'store'), quotaBytes, referenced: () => referenced });
async function* bytes(...parts: string[]) {
  for (const part of parts) yield Buffer.from(part);
}
const put = (store: ArtifactStore, text: string, declared = text) =>
  store.put(digestOf(declared), { maximumBytes: 500 }, async () => bytes(text));

describe('the artifact store', () => {
  it('keeps verified bytes under their digest, also for the next process', async () => {
    const store = await open();
    await put(store, 'hello');
    expect(await readFile(store.path(digestOf('hello')), 'utf8')).toBe('hello');
    expect((await open()).size(digestOf('hello'))).toBe(5);
  });

  it('keeps nothing of bytes with another digest, and says which digest they have', async () => {
    const store = await open();
    await expect(put(store, 'evil', 'good')).rejects.toMatchObject({
      reason: 'DigestMismatch',
      message: expect.stringContaining(digestOf('evil')) as string,
    });
    expect(store.size(digestOf('good'))).toBeUndefined();
    expect(await readdir(path.join(directory, 'store', 'incoming'))).toEqual([]);
  });

  it.each([
    ['a size that differs from the declared one', { bytes: 7, maximumBytes: 500 }, 'SizeMismatch'],
    ['more bytes than are allowed', { maximumBytes: 3 }, 'TooLarge'],
  ])('refuses %s', async (_, expected, reason) => {
    const store = await open();
    await expect(store.put(digestOf('hello'), expected, async () => bytes('hel', 'lo'))).rejects.toMatchObject({ reason });
  });

  it('evicts the least recently used blobs, and never one that an object refers to', async () => {
    const kept = new Set([digestOf('aaaa')]);
    const store = await open(10, kept);
    await put(store, 'aaaa');
    await put(store, 'bbbb');
    await put(store, 'cccc');
    expect([store.size(digestOf('aaaa')), store.size(digestOf('bbbb')), store.size(digestOf('cccc'))]).toEqual([4, undefined, 4]);
    kept.add(digestOf('cccc'));
    await expect(put(store, 'dddd')).rejects.toMatchObject({
      reason: 'InsufficientStorage',
      message: expect.stringContaining('10 bytes') as string,
    });
  });

  it('fetches a digest once for all who ask at the same time', async () => {
    const store = await open();
    let fetches = 0;
    const source = async () => {
      fetches += 1;
      return bytes('hello');
    };
    await Promise.all([1, 2, 3].map(() => store.put(digestOf('hello'), { maximumBytes: 500 }, source)));
    expect(fetches).toBe(1);
  });

  it('asks the next source when somebody else’s of the same digest fails, and holds each to the size that it was given', async () => {
    const store = await open();
    const digest = digestOf('hello');
    const [broken, own, wrong] = await Promise.allSettled([
      store.put(digest, { maximumBytes: 500, bytes: 7 }, async () => bytes('hello')),
      store.put(digest, { maximumBytes: 500, bytes: 5 }, async () => bytes('hello')),
      store.put(digest, { maximumBytes: 500, bytes: 6 }, async () => bytes('hello')),
    ]);
    expect(broken).toMatchObject({ status: 'rejected', reason: { reason: 'SizeMismatch' } });
    expect(own).toEqual({ status: 'fulfilled', value: 5 });
    expect(wrong).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('declares 6') as string } });
  });

  it('keeps its quota when downloads end together', async () => {
    const store = await open(10);
    await put(store, 'old');
    const ended = await Promise.allSettled([put(store, 'aaaaaa'), put(store, 'bbbbbb'), put(store, 'cccc')]);
    expect(ended.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
    expect(store.usedBytes).toBeLessThanOrEqual(10);
  });

  it('removes what an interrupted download left', async () => {
    await open();
    await writeFile(path.join(directory, 'store', 'incoming', 'half'), 'x');
    await open();
    expect(await readdir(path.join(directory, 'store', 'incoming'))).toEqual([]);
  });

  it('refuses a digest that is not one, since it becomes a file name', async () => {
    const store = await open();
    await expect(store.put('sha256:../../etc/passwd', { maximumBytes: 1 }, async () => bytes('x'))).rejects.toThrow(
      'is not a digest',
    );
  });
});

describe('store:// sources', () => {
  const read = async (uri: string) => {
    const chunks: Buffer[] = [];
    for await (const chunk of await openSource([createStoreOrigin(path.join(directory, 'root'))], {
      uri,
      maximumBytes: 10,
      signal,
    }))
      chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString('utf8');
  };
  beforeEach(async () => {
    await mkdir(path.join(directory, 'root/m/1'), { recursive: true });
    await writeFile(path.join(directory, 'root/m/1/model.onnx'), 'bytes');
    await writeFile(path.join(directory, 'root/large'), 'x'.repeat(11));
    await writeFile(path.join(directory, 'secret'), 'secret');
    await symlink(path.join(directory, 'secret'), path.join(directory, 'root/link'));
    await mkdir(path.join(directory, 'rootother'));
    await writeFile(path.join(directory, 'rootother/file'), 'secret');
  });

  it('reads a file below the root', async () => {
    expect(await read('store://m/1/model.onnx')).toBe('bytes');
  });

  it.each([
    ['store://../secret', 'SourceNotAllowed'],
    ['store://m/../../secret', 'SourceNotAllowed'],
    ['store://%2e%2e/secret', 'SourceNotAllowed'],
    ['store://m/..%2f..%2fsecret', 'SourceNotAllowed'],
    ['store://../rootother/file', 'SourceNotAllowed'],
    ['store://link', 'SourceNotAllowed'],
    ['store://', 'SourceNotAllowed'],
    ['store://a%00b', 'SourceNotAllowed'],
    ['store://%zz', 'SourceNotAllowed'],
    ['store://m/2/model.onnx', 'SourceUnavailable'],
    ['store://m/1', 'SourceUnavailable'],
    ['store://large', 'TooLarge'],
    ['file:///etc/passwd', 'SourceNotAllowed'],
    ['http://example.org/x', 'SourceNotAllowed'],
    ['s3://example/x', 'NotImplemented'],
    [`hf://owner/repository@${'0'.repeat(40)}/model.onnx`, 'NotImplemented'],
  ])('%s is %s', async (uri, reason) => {
    await expect(read(uri)).rejects.toMatchObject({ reason });
  });
});

describe('https:// sources', () => {
  const refuse = async (uri: string, allowedHosts: string[]) => {
    const origin = createHttpsOrigin({ allowedHosts, allowPrivateAddresses: false });
    try {
      return await origin.open({ uri, maximumBytes: 10, signal }).then(
        () => 'opened',
        (error: { reason?: string }) => error.reason,
      );
    } finally {
      await origin.close();
    }
  };

  it.each([
    ['https://example.org/x', [], 'SourceNotAllowed'],
    ['https://evil-example.org/x', ['*.example.org'], 'SourceNotAllowed'],
    ['https://user:secret@example.org/x', ['example.org'], 'SourceNotAllowed'],
    ['https://127.0.0.1/x', ['127.0.0.1'], 'SourceNotAllowed'],
    ['https://[::1]/x', ['[::1]'], 'SourceNotAllowed'],
    ['https://localhost:1/x', ['localhost'], 'SourceNotAllowed'],
    ['https://169.254.169.254/latest', ['169.254.169.254'], 'SourceNotAllowed'],
    ['https://2130706433/x', ['127.0.0.1'], 'SourceNotAllowed'],
  ])('%s with hosts %j is refused', async (uri, hosts, reason) => {
    expect(await refuse(uri, hosts)).toBe(reason);
  });

  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '::1',
    'fe80::1',
    'fd00::1',
    '::ffff:127.0.0.1',
    '0.0.0.0',
    'nonsense',
  ])('%s is private', (address) => {
    expect(isPrivateAddress(address)).toBe(true);
  });
  it.each(['1.1.1.1', '172.32.0.1', '2606:4700:4700::1111', '::ffff:8.8.8.8'])('%s is public', (address) => {
    expect(isPrivateAddress(address)).toBe(false);
  });
});

describe('bytes that come over a network', () => {
  const clock = new FakeClock();
  /** A piece of so many bytes after so many seconds each. */
  async function* pieces(size: number, seconds: number, count: number) {
    for (let at = 0; at < count; at++) {
      await clock.advance(seconds * 1000);
      yield new Uint8Array(size);
    }
  }
  const read = async (body: AsyncIterable<Uint8Array>) => {
    let sum = 0;
    for await (const piece of paced(body, 'https://slow.example.org/model', clock)) sum += piece.byteLength;
    return sum;
  };

  it('are given up when they come one by one, though their sender is never silent', async () => {
    await expect(read(pieces(1, 20, 1000))).rejects.toMatchObject({
      reason: 'SourceUnavailable',
      message: expect.stringContaining('https://slow.example.org/model sent 3 bytes in 60 s') as string,
    });
    await expect(read(pieces(2 ** 10, 1, 1000)), 'a kilobyte a second').rejects.toThrow('less than 1 MiB a minute');
  });

  it('are taken from a slow line, and from one that pauses at times', async () => {
    expect(await read(pieces(2 ** 15, 1, 600))).toBe(600 * 2 ** 15);
    expect(await read(pieces(2 ** 20, 50, 20))).toBe(20 * 2 ** 20);
    expect(await read(pieces(10, 5, 11)), 'a small file that ends in its first minute').toBe(110);
  });
});

describe('byte ranges', () => {
  it.each([
    [undefined, { kind: 'whole' }],
    ['bytes=0-99', { kind: 'part', first: 0, last: 99 }],
    ['bytes=50-', { kind: 'part', first: 50, last: 99 }],
    ['bytes=90-200', { kind: 'part', first: 90, last: 99 }],
    ['bytes=-10', { kind: 'part', first: 90, last: 99 }],
    ['bytes=-1000', { kind: 'part', first: 0, last: 99 }],
    ['bytes=100-', { kind: 'unsatisfiable' }],
    ['bytes=-0', { kind: 'unsatisfiable' }],
    ['bytes=9-3', { kind: 'unsatisfiable' }],
    ['bytes=0-1,5-6', { kind: 'whole' }],
    ['items=0-1', { kind: 'whole' }],
    ['bytes=-', { kind: 'whole' }],
  ])('%s of 100 bytes', (header, expected) => {
    expect(parseRange(header, 100)).toEqual(expected);
  });
});
