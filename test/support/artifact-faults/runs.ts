// Many fetches from a source that misbehaves, and how each of them ended.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Agent } from 'undici';
import { Artifacts } from '../../../agent/artifacts/artifacts.ts';
import { BlobStore } from '../../../agent/artifacts/blob-store.ts';
import { digestOf } from '../../../crds/digest.ts';
import type { Clock } from '../../../kube/runtime/clock.ts';
import { silentLogger } from '../silent-logger.ts';
import { FaultySource, type SourceFault } from './source.ts';

export interface RunOutcome {
  fault: SourceFault | 'none';
  /** Faults before all is well; Infinity when the source never mends. */
  times: number;
  /** `verified`, or the reason of the condition. */
  outcome: string;
  /** What ought to be. */
  expected: string;
  /** Bytes that came, over the size of the artifact. */
  ratio: number;
  /** Nothing is on the disk that is not right. */
  clean: boolean;
}

export const sizeBytes = 300_000;
const stallMilliseconds = 300;
const atATime = 8;

/** What a source that never mends leads to. Cut, slow and ignored ranges lead to the end all the same. */
const conditions: Partial<Record<SourceFault, string>> = {
  stall: 'DownloadFailed',
  error: 'DownloadFailed',
  corrupt: 'DigestMismatch',
  announcesMore: 'DownloadFailed',
  announcesLess: 'DigestMismatch',
  noLength: 'DownloadFailed',
  huge: 'SizeMismatch',
};
const kinds: readonly (SourceFault | 'none')[] = [
  'none',
  'cut',
  'stall',
  'slow',
  'error',
  'corrupt',
  'announcesMore',
  'announcesLess',
  'ignoresRange',
  'otherRange',
  'noLength',
  'huge',
];

/** Real time, but waits pass at once: only their order matters here. */
const hasty: Clock = { now: () => Date.now(), monotonic: () => performance.now(), sleep: () => Promise.resolve() };

export async function fetchManyTimes(runs: number): Promise<RunOutcome[]> {
  await using source = await FaultySource.start();
  const directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-artifact-runs-'));
  const dispatcher = new Agent();
  const outcomes: RunOutcome[] = [];
  let next = 0;
  const work = async () => {
    for (let run = next++; run < runs; run = next++)
      outcomes.push(await fetchOnce(source, dispatcher, path.join(directory, `${run}`), run));
  };
  try {
    await Promise.all(Array.from({ length: atATime }, work));
  } finally {
    await dispatcher.destroy();
    await rm(directory, { recursive: true, force: true });
  }
  return outcomes;
}

async function fetchOnce(source: FaultySource, dispatcher: Agent, directory: string, run: number): Promise<RunOutcome> {
  const fault = kinds[run % kinds.length] ?? 'none';
  const round = Math.floor(run / kinds.length);
  const condition = fault === 'none' ? undefined : conditions[fault];
  // Every third round the source never mends; else it does after one to three faults, the last of them often a cut.
  const always = condition !== undefined && round % 3 === 2 ? fault : undefined;
  const times = fault === 'none' ? 0 : 1 + (round % 3);
  const faults = fault === 'none' ? [] : Array.from({ length: times }, () => fault);
  // Ranges are asked for only when something came before.
  if (fault === 'otherRange' || fault === 'ignoresRange') faults.unshift('cut');
  const content = randomBytes(sizeBytes);
  const digest = digestOf(content);
  const offered = source.offer(digest, content, faults, always === 'none' ? undefined : always);
  const store = new BlobStore({ directory, quotaBytes: 1e9 });
  await store.open();
  const artifacts = new Artifacts({
    clock: hasty,
    logger: silentLogger,
    store,
    origin: () => ({ url: source.url, dispatcher }),
    stallMilliseconds,
  });
  const over = new AbortController();
  let reason: string | undefined;
  const onChange = () => {
    reason = artifacts.state(digest)?.failure?.reason;
    if (always !== undefined && reason !== undefined && reason === condition) over.abort();
  };
  const limit = AbortSignal.any([over.signal, AbortSignal.timeout(60_000)]);
  const isVerified = await artifacts.ensure({ digest, declaredBytes: sizeBytes, what: 'model-1 (fp32)' }, onChange, limit).then(
    () => true,
    () => false,
  );
  const kept = await readFile(store.path(digest)).catch(() => undefined);
  return {
    fault,
    times: always === undefined ? times : Number.POSITIVE_INFINITY,
    outcome: isVerified ? 'verified' : (reason ?? 'nothing was said'),
    expected: always === undefined ? 'verified' : (condition ?? 'verified'),
    ratio: offered.sentBytes / sizeBytes,
    clean: isVerified ? kept?.equals(content) === true : kept === undefined,
  };
}
