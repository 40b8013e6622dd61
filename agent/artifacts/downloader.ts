// Brings one artifact from the controller onto the disk: by digest, over mTLS, resumed where the last try ended.
import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Logger } from 'pino';
import { type Dispatcher, request } from 'undici';
import { artifactPath } from '../../crds/join.ts';
import type { Disk, DiskFile } from '../disk/disk.ts';
import { ArrivingBytes } from './arriving-bytes.ts';
import { type BlobStore, hexOf, sizeOf } from './blob-store.ts';
import { ArtifactError } from './errors.ts';
import { formatBytes } from './format-bytes.ts';

/** Where artifacts come from. Read for each try, so a renewed certificate is used. */
export interface ArtifactOrigin {
  url: string;
  dispatcher: Dispatcher;
}

export interface Wanted {
  digest: string;
  /** As declared; the transfer may not be more than a little larger. */
  declaredBytes: number;
  /** For messages: `machine-state-2 (int8)`. */
  what: string;
}

interface Deps {
  store: BlobStore;
  origin: () => ArtifactOrigin | undefined;
  logger: Logger;
  onBytes?: (bytes: number) => void;
  onVerifyFailure?: () => void;
  /** A source that says nothing for this long is given up for now. Default 30 s. */
  stallMilliseconds?: number;
}

const syncEveryBytes = 8 * 1024 * 1024;
const defaultStallMilliseconds = 30_000;

/** One try. Resolves when the blob is on disk and verified. @throws ArtifactError */
export async function download(
  deps: Deps,
  wanted: Wanted,
  progress: (bytes: number, total: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const origin = deps.origin();
  if (!origin) throw new ArtifactError('DownloadFailed', 'the device has not joined yet, so it knows no artifact address');
  const file = deps.store.partialPath(wanted.digest);
  const { disk } = deps.store;
  const have = (await sizeOf(file, disk)) ?? 0;
  const answer = await ask(origin, wanted, have, deps.stallMilliseconds ?? defaultStallMilliseconds, signal);
  const { body } = answer;
  try {
    const from = answer.from;
    limitSize(wanted, answer.total);
    using _ = await deps.store.makeRoom(answer.total, wanted.what, from);
    const hash = await hashExisting(file, from, disk, signal);
    const handle = await disk.open(file, from > 0 ? 'r+' : 'w');
    try {
      await handle.truncate(from);
      const bytes = await receive(deps, body, handle, hash, { from, total: answer.total, wanted, progress });
      await handle.sync();
      if (bytes !== answer.total)
        throw new ArtifactError(
          'DownloadFailed',
          `${wanted.what}: ${bytes} of ${answer.total} bytes came before the connection ended`,
        );
    } finally {
      await handle.close();
    }
    await accept(deps, wanted, hash, answer);
  } finally {
    body.abandon();
  }
}

async function accept(deps: Deps, wanted: Wanted, hash: Hash, { from, total }: Answer): Promise<void> {
  const actual = hash.digest('hex');
  if (actual === hexOf(wanted.digest)) return deps.store.commit(wanted.digest);
  await deps.store.disk.remove(deps.store.partialPath(wanted.digest));
  deps.onVerifyFailure?.();
  // A power cut may have damaged what was kept: the source is blamed only for bytes that all came in one piece.
  if (from > 0)
    throw new ArtifactError(
      'DownloadFailed',
      `${wanted.what}: the ${from} bytes kept from an earlier try do not go with the rest; it is fetched from the start`,
    );
  throw new ArtifactError(
    'DigestMismatch',
    `${wanted.what}: expected ${wanted.digest}, received ${total} bytes of sha256:${actual}; nothing was kept`,
  );
}

interface Answer {
  body: ArrivingBytes;
  /** First byte that this answer brings. */
  from: number;
  total: number;
}

async function ask(
  origin: ArtifactOrigin,
  wanted: Wanted,
  have: number,
  stallMilliseconds: number,
  signal: AbortSignal,
): Promise<Answer> {
  const failed = (why: string, cause?: unknown) =>
    new ArtifactError('DownloadFailed', `${wanted.what} from ${origin.url}: ${why}`, { cause });
  let response: Dispatcher.ResponseData;
  try {
    response = await request(new URL(artifactPath(wanted.digest), origin.url), {
      dispatcher: origin.dispatcher,
      headers: have > 0 ? { range: `bytes=${have}-` } : {},
      signal,
      headersTimeout: stallMilliseconds,
      bodyTimeout: stallMilliseconds,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw failed((error as Error).message, error);
  }
  const { statusCode, headers, body } = response;
  // An answer that is given up says so in an event, which without a listener would end the agent. Whoever reads it is told as well.
  body.on('error', () => undefined);
  if (statusCode === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(String(headers['content-range']));
    if (range && Number(range[1]) === have) return { body: new ArrivingBytes(body), from: have, total: Number(range[2]) };
    body.destroy();
    throw failed(`it answered with the range ${String(headers['content-range'])}, not from byte ${have}`);
  }
  if (statusCode === 200) {
    const total = Number(headers['content-length']);
    if (Number.isSafeInteger(total) && total > 0) return { body: new ArrivingBytes(body), from: 0, total };
    body.destroy();
    throw failed('it did not say how long the artifact is');
  }
  if (statusCode === 416 && have > 0) {
    body.destroy();
    const total = Number(/^bytes \*\/(\d+)$/.exec(String(headers['content-range']))?.[1] ?? Number.NaN);
    // Everything is there already: its hash decides. More than there should be cannot become right: from the start.
    if (total === have) return { body: new ArrivingBytes(Readable.from([])), from: have, total };
    if (total < have) return ask(origin, wanted, 0, stallMilliseconds, signal);
    throw failed(`it refuses to go on at byte ${have}`);
  }
  const text = await body.text().catch(() => '');
  throw failed(`it answered ${statusCode}${text === '' ? '' : `: ${text.slice(0, 200)}`}`);
}

/** A source that sends far more than was declared would fill the disk before the hash could say no. */
function limitSize(wanted: Wanted, total: number): void {
  const limit = wanted.declaredBytes * 1.25 + 1024 * 1024;
  if (total <= limit) return;
  throw new ArtifactError(
    'SizeMismatch',
    `${wanted.what} is declared with ${formatBytes(wanted.declaredBytes)}, but the source sends ${formatBytes(total)}: correct the size in its ModelVersion`,
  );
}

async function receive(
  deps: Deps,
  body: ArrivingBytes,
  handle: DiskFile,
  hash: Hash,
  run: { from: number; total: number; wanted: Wanted; progress: (bytes: number, total: number) => void },
): Promise<number> {
  let bytes = run.from;
  let unsynced = 0;
  try {
    for await (const chunk of body) {
      if (bytes + chunk.length > run.total)
        throw new ArtifactError('SizeMismatch', `${run.wanted.what}: more bytes came than the ${run.total} that were announced`);
      await handle.write(chunk, bytes);
      hash.update(chunk);
      bytes += chunk.length;
      unsynced += chunk.length;
      deps.onBytes?.(chunk.length);
      run.progress(bytes, run.total);
      if (unsynced >= syncEveryBytes) {
        await handle.datasync();
        unsynced = 0;
      }
    }
  } catch (error) {
    await handle.datasync();
    if (error instanceof ArtifactError) throw error;
    throw new ArtifactError(
      'DownloadFailed',
      `${run.wanted.what}: the transfer ended at ${bytes} of ${run.total} bytes: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
  return bytes;
}

async function hashExisting(file: string, bytes: number, disk: Disk, signal: AbortSignal): Promise<Hash> {
  const hash = createHash('sha256');
  if (bytes === 0) return hash;
  for await (const chunk of disk.readStream(file, bytes - 1)) {
    signal.throwIfAborted();
    hash.update(chunk as Buffer);
  }
  return hash;
}
