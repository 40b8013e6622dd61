// The controller's copy of one repository: bare, one commit deep, bounded on disk, and made anew when it is damaged.
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { FleetRepositorySpec } from '../../../../crds/fleet-repository.ts';
import type { Clock } from '../../../../kube/runtime/clock.ts';
import type { FileError, ManifestFile } from '../../manifest.ts';
import { SourceError } from '../source.ts';
import { type GitAccess, gitEnvironment } from './environment.ts';
import { explainFailure, isOfTheRemote } from './explain-failure.ts';
import { type Commit, commitOf, patternsFor } from './remote-refs.ts';
import { GitError, runGit } from './run-git.ts';
import { type Git, readTree } from './tree.ts';

export interface Reading {
  url: string;
  ref: FleetRepositorySpec['ref'];
  /** Only what lies below it. */
  directory: string | undefined;
  access: GitAccess;
  /** For all of it. */
  timeoutSeconds: number;
  /** On disk; a fetch that grows beyond it is ended. */
  maximumBytes: number;
  signal: AbortSignal;
}

export interface TreeContent {
  revision: string;
  files: ManifestFile[];
  errors: FileError[];
}

/** Each fetch leaves a pack; past so many the copy is made anew. */
const maximumPacks = 30;
const maximumTextBytes = 4 * 2 ** 20;
const sizeCheckMilliseconds = 200;

export class RepositoryCopy {
  readonly #directory: string;
  readonly #clock: Clock;

  /** @param directory for this repository alone; `home` inside it holds what git may call its home, and credentials */
  constructor(directory: string, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
  }

  get home(): string {
    return path.join(this.#directory, 'home');
  }

  get #objects(): string {
    return path.join(this.#directory, 'repository.git');
  }

  async prepare(): Promise<void> {
    await mkdir(this.home, { recursive: true, mode: 0o700 });
  }

  async remove(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** The manifests of what the reference names now. @throws SourceError that says what to do. */
  async read(reading: Reading): Promise<TreeContent> {
    const limit = AbortSignal.timeout(reading.timeoutSeconds * 1000);
    const signal = AbortSignal.any([reading.signal, limit]);
    try {
      // Asked apart from the copy: what is damaged there must not keep us from learning what the remote has.
      const commit = await this.#ask(reading, this.#git(reading, signal, this.home));
      return await this.#readOrMakeAnew(reading, this.#git(reading, signal, this.#objects), commit);
    } catch (error) {
      reading.signal.throwIfAborted();
      if (limit.aborted)
        throw new SourceError(
          'GitOperationFailed',
          `${reading.url} did not answer in full within ${reading.timeoutSeconds} s: raise spec.timeoutSeconds, or see to the host`,
          { cause: error },
        );
      throw explainFailure(error, reading.url);
    }
  }

  async #ask({ url, ref }: Reading, git: Git): Promise<Commit> {
    const patterns = patternsFor(ref);
    if (patterns.length === 0) return commitOf(ref, '', url);
    const listing = await git(['ls-remote', '--symref', '--', url, ...patterns], { maximumBytes: maximumTextBytes });
    return commitOf(ref, listing.toString('utf8'), url);
  }

  async #readOrMakeAnew(reading: Reading, git: Git, { sha, revision }: Commit): Promise<TreeContent> {
    await this.#ensure(git);
    try {
      return { revision, ...(await this.#readCommit(reading, git, sha)) };
    } catch (error) {
      // What the remote refuses it refuses again. Anything else is this copy: files that a full disk or a power cut has damaged,
      // a lock of a git that was killed, which every git after it would wait for in vain.
      if (!(error instanceof GitError) || isOfTheRemote(error)) throw error;
      await rm(this.#objects, { recursive: true, force: true });
      await this.#ensure(git);
      return { revision, ...(await this.#readCommit(reading, git, sha)) };
    }
  }

  async #readCommit(reading: Reading, git: Git, sha: string): Promise<Omit<TreeContent, 'revision'>> {
    if (!(await this.#has(git, sha))) await this.#fetch(reading, git, sha);
    return readTree(git, sha, reading.directory);
  }

  async #ensure(git: Git): Promise<void> {
    const packs = await readdir(path.join(this.#objects, 'objects', 'pack')).catch(() => undefined);
    if (packs && packs.length <= maximumPacks * 2) return;
    await rm(this.#objects, { recursive: true, force: true });
    await mkdir(this.#objects, { recursive: true, mode: 0o700 });
    // Without a template no sample hook and no info/attributes is copied in.
    await git(['init', '--bare', '--quiet', '--template='], { maximumBytes: maximumTextBytes });
  }

  /** The commit counts as present only under our reference: that is written after everything it needs. */
  async #has(git: Git, sha: string): Promise<boolean> {
    const found = await git(['rev-parse', '--verify', '--quiet', '--end-of-options', currentRef], {
      maximumBytes: maximumTextBytes,
    }).catch((error: unknown) => {
      if (error instanceof GitError) return undefined;
      throw error;
    });
    return found?.toString('utf8').trim() === sha;
  }

  async #fetch({ url, maximumBytes, signal }: Reading, git: Git, sha: string): Promise<void> {
    const tooLarge = new AbortController();
    const finished = new AbortController();
    const guarding = this.#guardSize(maximumBytes, tooLarge, AbortSignal.any([signal, finished.signal]));
    const flags = ['--depth=1', '--no-tags', '--force', '--no-write-fetch-head', '--no-recurse-submodules', '--quiet'];
    try {
      await git(['fetch', ...flags, '--', url, `+${sha}:${currentRef}`], {
        maximumBytes: maximumTextBytes,
        signal: tooLarge.signal,
      });
    } catch (error) {
      // What was fetched so far would be in the way of the next attempt.
      if (tooLarge.signal.aborted) await rm(this.#objects, { recursive: true, force: true });
      throw error;
    } finally {
      finished.abort();
      await guarding;
    }
  }

  async #guardSize(maximumBytes: number, tooLarge: AbortController, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const bytes = await sizeOf(this.#objects);
      if (bytes > maximumBytes) {
        tooLarge.abort(
          new SourceError(
            'StorageOperationFailed',
            `one revision of the repository has more than ${Math.round(maximumBytes / 2 ** 20)} MiB: keep models and data elsewhere, or give the fleet a repository of its own`,
          ),
        );
        return;
      }
      await this.#clock.sleep(sizeCheckMilliseconds, signal).catch(() => undefined);
    }
  }

  #git({ access, timeoutSeconds }: Reading, signal: AbortSignal, gitDirectory: string): Git {
    const environment = {
      ...gitEnvironment(access, { home: this.home, silenceSeconds: Math.max(1, Math.min(30, timeoutSeconds)) }),
      GIT_DIR: gitDirectory,
    };
    return (args, { signal: narrower, ...options }) =>
      runGit({
        args,
        environment,
        directory: this.home,
        ...options,
        signal: narrower === undefined ? signal : AbortSignal.any([signal, narrower]),
      });
  }
}

const currentRef = 'refs/jouleops/current';

/** Bytes of all files below a directory; files that go meanwhile count as nothing. */
async function sizeOf(directory: string): Promise<number> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(
    entries.map(async (entry) => {
      const at = path.join(directory, entry.name);
      if (entry.isDirectory()) return sizeOf(at);
      return (await stat(at).catch(() => undefined))?.size ?? 0;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
