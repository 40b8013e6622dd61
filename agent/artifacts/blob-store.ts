import { createHash, randomUUID } from 'node:crypto';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { makeDirectory, syncDirectory } from '../disk/atomic-file.ts';
import { type Disk, systemDisk } from '../disk/disk.ts';
import { ArtifactError } from './errors.ts';
import { planEviction, type StoredBlob } from './eviction.ts';
import { formatBytes } from './format-bytes.ts';

export interface BlobStoreOptions {
  directory: string;
  quotaBytes: number;
  /** Kept free on the file system for everything else. */
  reserveBytes?: number;
  disk?: Disk;
}

const digestPattern = /^sha256:([0-9a-f]{64})$/;
const defaultReserveBytes = 64 * 1024 * 1024;

/** @throws ArtifactError for what is not `sha256:<64 hex>`: nothing else may become a path. */
export function hexOf(digest: string): string {
  const hex = digestPattern.exec(digest)?.[1];
  if (hex === undefined) throw new ArtifactError('DigestMismatch', `${digest} is not a digest: sha256 and 64 hex digits are`);
  return hex;
}

/** Content-addressed files: `blobs/sha256/<hex>` whole and verified, `partial/<hex>` on their way. */
export class BlobStore {
  readonly disk: Disk;
  readonly #blobs: string;
  readonly #partial: string;
  readonly #views: string;
  readonly #quotaBytes: number;
  readonly #reserveBytes: number;
  #pinned: () => ReadonlySet<string> = () => new Set();
  /** Bytes of what is on its way: it counts against the quota before it is a blob. */
  readonly #arriving = new Map<symbol, number>();
  #admission: Promise<unknown> = Promise.resolve();

  constructor(options: BlobStoreOptions) {
    this.disk = options.disk ?? systemDisk;
    this.#blobs = path.join(options.directory, 'blobs', 'sha256');
    this.#partial = path.join(options.directory, 'partial');
    this.#views = path.join(options.directory, 'views');
    this.#quotaBytes = options.quotaBytes;
    this.#reserveBytes = options.reserveBytes ?? defaultReserveBytes;
  }

  async open(): Promise<void> {
    const parent = path.dirname(this.#blobs);
    for (const directory of [path.dirname(parent), parent, this.#blobs, this.#partial]) await makeDirectory(directory, this.disk);
    await this.disk.remove(this.#views);
  }

  get directory(): string {
    return this.#blobs;
  }

  /** What must not be evicted, asked each time room is made. */
  pinnedBy(pinned: () => ReadonlySet<string>): void {
    this.#pinned = pinned;
  }

  path(digest: string): string {
    return path.join(this.#blobs, hexOf(digest));
  }

  /** A name for bytes whose digest is known only once all of them are here. What is left of it goes with the next start. */
  nextTemporary(): string {
    return path.join(this.#partial, `upload-${randomUUID()}`);
  }

  partialPath(digest: string): string {
    return path.join(this.#partial, hexOf(digest));
  }

  async has(digest: string): Promise<boolean> {
    return (await sizeOf(this.path(digest), this.disk)) !== undefined;
  }

  /** Reads the whole blob and compares: bytes are verified before each use, because disks lie. False, and the blob gone, when it is not what it should be. */
  async verify(digest: string, signal: AbortSignal): Promise<boolean> {
    const file = this.path(digest);
    const actual = await hashFile(file, this.disk, signal).catch((error: NodeJS.ErrnoException) => {
      // A disk that cannot give the bytes back has lost them.
      if (error.code === 'ENOENT' || error.code === 'EIO') return undefined;
      throw error;
    });
    if (actual === hexOf(digest)) {
      await this.disk.touch(file, new Date());
      return true;
    }
    await this.disk.remove(file);
    return false;
  }

  /** Makes a verified partial file a blob. */
  async commit(digest: string): Promise<void> {
    await this.disk.rename(this.partialPath(digest), this.path(digest));
    await syncDirectory(this.#blobs, this.disk);
  }

  async list(): Promise<StoredBlob[]> {
    const blobs: StoredBlob[] = [];
    for (const name of await this.disk.list(this.#blobs)) {
      const info = await this.disk.stat(path.join(this.#blobs, name)).catch(() => undefined);
      if (info?.isFile) blobs.push({ digest: `sha256:${name}`, bytes: info.bytes, lastUsed: info.modified });
    }
    return blobs;
  }

  /**
   * Evicts what nobody refers to until `bytes` more fit, and keeps that room until disposed.
   * @param hereBytes of them that are on the disk already, from an earlier try.
   * @throws ArtifactError InsufficientStorage with the numbers.
   */
  async makeRoom(bytes: number, what: string, hereBytes = 0): Promise<Disposable> {
    // One after the other: two that ask together must not both be given the last room.
    const admitted = this.#admission.then(() => this.#admit(bytes, what, hereBytes));
    this.#admission = admitted.catch(() => {});
    return admitted;
  }

  async #admit(bytes: number, what: string, hereBytes: number): Promise<Disposable> {
    const others = [...this.#arriving.values()].reduce((sum, arriving) => sum + arriving, 0);
    const plan = planEviction(await this.list(), this.#pinned(), this.#quotaBytes, bytes + others);
    if (plan.kind === 'full')
      throw new ArtifactError(
        'InsufficientStorage',
        `${what} needs ${formatBytes(bytes)}; the quota is ${formatBytes(this.#quotaBytes)}, of which models in use hold ${formatBytes(plan.pinnedBytes)}${others === 0 ? '' : ` and models on their way ${formatBytes(others)}`}: raise the agent's --storage-limit or remove a deployment`,
      );
    for (const digest of plan.evict) await this.disk.remove(this.path(digest));
    const free = await this.freeBytes();
    if (free - this.#reserveBytes < bytes - hereBytes)
      throw new ArtifactError(
        'InsufficientStorage',
        `${what} needs ${formatBytes(bytes - hereBytes)}; ${formatBytes(free)} are free on the disk of ${this.#blobs}, and ${formatBytes(this.#reserveBytes)} of them are kept for the system`,
      );
    const arrival = Symbol(what);
    this.#arriving.set(arrival, bytes);
    return { [Symbol.dispose]: () => void this.#arriving.delete(arrival) };
  }

  freeBytes(): Promise<number> {
    return this.disk.freeBytes(this.#blobs);
  }

  /** A directory where the graph and the files beside it have the names that the graph expects. Hard links: no bytes are copied. */
  async view(digest: string, beside: readonly { path: string; digest: string }[]): Promise<string> {
    if (beside.length === 0) return this.path(digest);
    const directory = path.join(this.#views, hexOf(digest));
    const graph = path.join(directory, 'model.onnx');
    const entries = [{ target: graph, digest }];
    for (const file of beside) {
      const target = path.resolve(directory, file.path);
      if (!target.startsWith(directory + path.sep))
        throw new ArtifactError('DownloadFailed', `external data ${file.path} lies outside the model's directory`);
      entries.push({ target, digest: file.digest });
    }
    await this.disk.remove(directory);
    for (const entry of entries) {
      await this.disk.mkdir(path.dirname(entry.target));
      await this.disk.link(this.path(entry.digest), entry.target);
    }
    return graph;
  }

  /** Forgets partial downloads that nothing asks for any more. */
  async prunePartial(wanted: ReadonlySet<string>): Promise<void> {
    for (const name of await this.disk.list(this.#partial)) {
      if (!wanted.has(`sha256:${name}`)) await this.disk.remove(path.join(this.#partial, name));
    }
  }
}

/** Bytes of a file; undefined when there is none. */
export async function sizeOf(file: string, disk: Disk): Promise<number | undefined> {
  try {
    return (await disk.stat(file)).bytes;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function hashFile(file: string, disk: Disk, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(disk.readStream(file), hash, { signal });
  return hash.digest('hex');
}
