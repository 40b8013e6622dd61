import type { Logger } from 'pino';
import type { Clock } from '../../kube/runtime/clock.ts';
import { retrySeconds } from '../retry-wait.ts';
import type { BlobStore } from './blob-store.ts';
import { type ArtifactOrigin, download, type Wanted } from './downloader.ts';
import { ArtifactError } from './errors.ts';

export interface FetchState {
  bytes: number;
  total: number;
  /** The last failure, while it is retried. */
  failure?: ArtifactError;
}

interface Deps {
  clock: Clock;
  logger: Logger;
  store: BlobStore;
  origin: () => ArtifactOrigin | undefined;
  onBytes?: (bytes: number) => void;
  onVerifyFailure?: () => void;
  /** See downloader.ts. */
  stallMilliseconds?: number;
}

const firstRetrySeconds = 1;
const maximumRetrySeconds = 300;
/** A wrong digest, a wrong size and a full disk are not cured by haste. */
const slowRetrySeconds = 60;

/** All artifacts of this device: fetched once however many ask, retried until they are there. */
export class Artifacts {
  readonly store: BlobStore;
  readonly #deps: Deps;
  readonly #running = new Map<string, Promise<void>>();
  readonly #states = new Map<string, FetchState>();

  constructor(deps: Deps) {
    this.#deps = deps;
    this.store = deps.store;
  }

  state(digest: string): FetchState | undefined {
    return this.#states.get(digest);
  }

  /** Resolves when the blob is on disk and verified; retries until then. `onChange` is told of failures and of their end. */
  async ensure(wanted: Wanted, onChange: () => void, signal: AbortSignal): Promise<void> {
    if (await this.#isHere(wanted.digest, signal)) return;
    try {
      await this.#fetchUntilHere(wanted, onChange, signal);
    } finally {
      // Nothing is on its way any more, also when it was given up: what failed is no news of whoever asks for it next.
      this.#states.delete(wanted.digest);
    }
    onChange();
  }

  /** What cannot be looked at now, as without a descriptor, is not here: then it is fetched, and looked at again, until it is. */
  async #isHere(digest: string, signal: AbortSignal): Promise<boolean> {
    return this.store.verify(digest, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      this.#deps.logger.warn({ err: error, digest }, 'an artifact could not be read');
      return false;
    });
  }

  async #fetchUntilHere(wanted: Wanted, onChange: () => void, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        if (attempt > 1 && (await this.#isHere(wanted.digest, signal))) return;
        return await this.#fetchOnce(wanted, signal);
      } catch (error) {
        signal.throwIfAborted();
        const failure =
          error instanceof ArtifactError
            ? error
            : new ArtifactError('DownloadFailed', (error as Error).message, { cause: error });
        const state = this.#states.get(wanted.digest);
        this.#states.set(wanted.digest, { bytes: state?.bytes ?? 0, total: state?.total ?? wanted.declaredBytes, failure });
        onChange();
        const first = failure.reason === 'DownloadFailed' ? firstRetrySeconds : slowRetrySeconds;
        const seconds = retrySeconds(attempt, first, maximumRetrySeconds);
        this.#deps.logger.warn(
          { digest: wanted.digest, reason: failure.reason, err: failure, retrySeconds: seconds },
          'artifact not fetched',
        );
        await this.#deps.clock.sleep(seconds * 1000, signal);
      }
    }
  }

  /** Two slots that name the same digest share one transfer. */
  async #fetchOnce(wanted: Wanted, signal: AbortSignal): Promise<void> {
    const other = this.#running.get(wanted.digest);
    if (other) {
      await other.catch(() => {});
      if (await this.store.has(wanted.digest)) return;
    }
    const progress = (bytes: number, total: number) => this.#states.set(wanted.digest, { bytes, total });
    const fetch = download(this.#deps, wanted, progress, signal);
    this.#running.set(wanted.digest, fetch);
    try {
      await fetch;
    } finally {
      if (this.#running.get(wanted.digest) === fetch) this.#running.delete(wanted.digest);
    }
  }
}
