// Content-addressed bytes on disk: a blob is there whole and verified, or not at all.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { ArtifactError } from './artifact-error.ts';
import { digestHex } from './digest.ts';

export interface ArtifactStoreOptions {
  directory: string;
  /** What all blobs together may take. */
  quotaBytes: number;
  /** Blobs that eviction must leave: what some object still refers to. */
  referenced: () => ReadonlySet<string>;
}

interface Expected {
  bytes?: number;
  maximumBytes: number;
}

interface Blob {
  bytes: number;
  usedMilliseconds: number;
}

export class ArtifactStore {
  readonly #options: ArtifactStoreOptions;
  readonly #blobs = new Map<string, Blob>();
  readonly #arriving = new Map<string, Promise<number>>();
  /** Of downloads that are whole and not yet among the blobs: two that end together must not both take the same room. */
  #settlingBytes = 0;

  private constructor(options: ArtifactStoreOptions) {
    this.#options = options;
  }

  /** Reads what is there and removes what an interrupted download left. */
  static async open(options: ArtifactStoreOptions): Promise<ArtifactStore> {
    const store = new ArtifactStore(options);
    const blobs = store.#directory();
    await mkdir(blobs, { recursive: true });
    await rm(store.#incoming(), { recursive: true, force: true });
    await mkdir(store.#incoming(), { recursive: true });
    for (const name of await readdir(blobs)) {
      const file = await stat(path.join(blobs, name));
      store.#blobs.set(`sha256:${name}`, { bytes: file.size, usedMilliseconds: file.mtimeMs });
    }
    return store;
  }

  /** The bytes a digest has, or undefined when it is not here. */
  size(digest: string): number | undefined {
    return this.#blobs.get(digest)?.bytes;
  }

  get usedBytes(): number {
    let sum = 0;
    for (const blob of this.#blobs.values()) sum += blob.bytes;
    return sum;
  }

  path(digest: string): string {
    return path.join(this.#directory(), digestHex(digest));
  }

  /** Notes that a blob was wanted, so that eviction takes others first. */
  async touch(digest: string): Promise<void> {
    const blob = this.#blobs.get(digest);
    if (!blob) return;
    const now = new Date();
    blob.usedMilliseconds = now.getTime();
    await utimes(this.path(digest), now, now).catch(() => undefined);
  }

  /**
   * Writes a stream under its digest; whoever asks for the same digest meanwhile waits for the same download, and tries its own
   * when that fails: another's source, or another's declared size, may be wrong where its own is right.
   * @throws ArtifactError DigestMismatch, SizeMismatch, TooLarge, InsufficientStorage; then nothing is kept.
   */
  async put(digest: string, expected: Expected, body: () => Promise<AsyncIterable<Uint8Array>>): Promise<number> {
    for (let arriving = this.#arriving.get(digest); arriving; arriving = this.#arriving.get(digest))
      await arriving.catch(() => undefined);
    const present = this.size(digest);
    if (present !== undefined) return checkSize(present, expected);
    const download = this.#receive(digest, expected, body).finally(() => this.#arriving.delete(digest));
    this.#arriving.set(digest, download);
    return await download;
  }

  async #receive(digest: string, expected: Expected, body: () => Promise<AsyncIterable<Uint8Array>>): Promise<number> {
    const hex = digestHex(digest);
    const incoming = path.join(this.#incoming(), `${hex}.${randomUUID()}`);
    const limit = Math.min(expected.maximumBytes, this.#options.quotaBytes);
    try {
      const { bytes, actual } = await writeHashed(incoming, await body(), limit);
      checkSize(bytes, expected);
      if (actual !== hex)
        throw new ArtifactError(
          'DigestMismatch',
          `the ${bytes} bytes have digest sha256:${actual}, the object declares ${digest}: publish the right file or make a new version with the right digest`,
        );
      this.#settlingBytes += bytes;
      try {
        await this.#makeRoom(bytes);
        await rename(incoming, this.path(digest));
        await syncDirectory(this.#directory());
        this.#blobs.set(digest, { bytes, usedMilliseconds: Date.now() });
      } finally {
        this.#settlingBytes -= bytes;
      }
      return bytes;
    } finally {
      await rm(incoming, { force: true });
    }
  }

  /** Evicts the least recently used blobs that nothing refers to, until what settles now has room. */
  async #makeRoom(bytes: number): Promise<void> {
    const { quotaBytes, referenced } = this.#options;
    let excess = this.usedBytes + this.#settlingBytes - quotaBytes;
    if (excess <= 0) return;
    const keep = referenced();
    const idle = [...this.#blobs]
      .filter(([digest]) => !keep.has(digest))
      .sort((a, b) => a[1].usedMilliseconds - b[1].usedMilliseconds);
    for (const [digest, blob] of idle) {
      if (excess <= 0) return;
      if (!this.#blobs.delete(digest)) continue; // another download made its own room of it meanwhile
      await rm(this.path(digest), { force: true });
      excess -= blob.bytes;
    }
    if (excess > 0)
      throw new ArtifactError(
        'InsufficientStorage',
        `${bytes} bytes do not fit: the artifact store may hold ${quotaBytes} bytes and ${this.usedBytes} are in use; delete model versions, or give the controller a larger --storage-limit`,
      );
  }

  #directory(): string {
    return path.join(this.#options.directory, 'blobs', 'sha256');
  }

  #incoming(): string {
    return path.join(this.#options.directory, 'incoming');
  }
}

function checkSize(bytes: number, { bytes: declared }: Expected): number {
  if (declared === undefined || bytes === declared) return bytes;
  throw new ArtifactError('SizeMismatch', `got ${bytes} bytes, the object declares ${declared}: correct its size or source`);
}

async function writeHashed(
  file: string,
  body: AsyncIterable<Uint8Array>,
  maximumBytes: number,
): Promise<{ bytes: number; actual: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  await using handle = await open(file, 'wx');
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > maximumBytes)
      throw new ArtifactError(
        'TooLarge',
        `the source sends more than ${maximumBytes} bytes: publish a smaller file, or give the controller a larger --artifact-limit`,
      );
    hash.update(chunk);
    await handle.writeFile(chunk);
  }
  await handle.sync();
  return { bytes, actual: hash.digest('hex') };
}

/** A rename survives a power cut only when its directory is on disk too. */
async function syncDirectory(directory: string): Promise<void> {
  await using handle = await open(directory, 'r');
  await handle.sync();
}
