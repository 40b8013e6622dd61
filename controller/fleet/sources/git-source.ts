// Git as a fleet source: one copy per repository, kept in the controller's data directory.
import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { FleetRepository } from '../../../crds/fleet-repository.ts';
import { isNotFound } from '../../../kube/api/api-error.ts';
import { type Secret, secrets } from '../../../kube/api/builtins.ts';
import type { Client } from '../../../kube/api/client.ts';
import type { Stored } from '../../../kube/api/objects.ts';
import type { Clock } from '../../../kube/runtime/clock.ts';
import { textOf } from '../rights.ts';
import { prepareAccess } from './git/credentials.ts';
import { RepositoryCopy } from './git/repository-copy.ts';
import { type SourceContent, SourceError } from './source.ts';

export interface GitSourceOptions {
  /** Copies live here. */
  directory: string;
  /** Of one copy on disk. */
  maximumBytes: number;
  /** file:// names files of the controller's machine: only `jouleops up` allows it. */
  allowFiles: boolean;
}

const defaultTimeoutSeconds = 60;

export class GitSource {
  readonly #deps: { client: Pick<Client, 'get'>; clock: Clock };
  readonly #options: GitSourceOptions;

  constructor(deps: { client: Pick<Client, 'get'>; clock: Clock }, options: GitSourceOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** @param asUser who reads the Secret. @throws SourceError that says what to do. */
  async read(
    repository: Stored<FleetRepository>,
    url: string,
    asUser: string | undefined,
    signal: AbortSignal,
  ): Promise<SourceContent> {
    const { allowFiles, maximumBytes } = this.#options;
    const { spec } = repository;
    if (url.startsWith('file:') && !allowFiles)
      throw new SourceError('SourceNotAllowed', `${url} would name files of the controller: use https:// or ssh://`, {
        permanent: true,
      });
    const timeoutSeconds = spec.timeoutSeconds ?? defaultTimeoutSeconds;
    const of = path.join(this.#options.directory, nameOf(`${repository.metadata.namespace}/${repository.metadata.name}`));
    // Another address is another copy: its objects and credentials have nothing to do with the first one's, which go.
    await keepOnly(of, [nameOf(url)]);
    const copy = new RepositoryCopy(path.join(of, nameOf(url)), this.#deps.clock);
    await copy.prepare();
    const secret = await this.#secretOf(repository, asUser, signal);
    const access = await prepareAccess(url, secret, { home: copy.home, allowFiles, timeoutSeconds });
    return copy.read({ url, ref: spec.ref, directory: spec.directory, access, timeoutSeconds, maximumBytes, signal });
  }

  /** Removes the copies of a repository that is gone, whatever address they had. */
  async forget(key: string): Promise<void> {
    await new RepositoryCopy(path.join(this.#options.directory, nameOf(key)), this.#deps.clock).remove();
  }

  /** Removes the copies of repositories that went while nobody looked. @param keys of those that there are */
  async keepOnly(keys: readonly string[]): Promise<void> {
    await keepOnly(this.#options.directory, keys.map(nameOf));
  }

  async #secretOf(
    { spec, metadata }: Stored<FleetRepository>,
    asUser: string | undefined,
    signal: AbortSignal,
  ): Promise<Secret | undefined> {
    const name = spec.secretName;
    if (name === undefined) return undefined;
    const namespace = metadata.namespace ?? 'default';
    try {
      return await this.#deps.client.get(secrets, { namespace, name }, { signal, asUser });
    } catch (error) {
      signal.throwIfAborted();
      const why = isNotFound(error)
        ? `there is no Secret ${namespace}/${name}: create it, or correct spec.secretName`
        : `Secret ${namespace}/${name} cannot be read: ${textOf(error)}`;
      throw new SourceError('AuthenticationFailed', why, { cause: error });
    }
  }
}

async function keepOnly(directory: string, names: readonly string[]): Promise<void> {
  const present = await readdir(directory).catch(() => []);
  const gone = present.filter((name) => !names.includes(name));
  await Promise.all(gone.map((name) => rm(path.join(directory, name), { recursive: true, force: true })));
}

function nameOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 20);
}
