// The source that a repository names, opened: a Git repository, or a directory of this machine.
import path from 'node:path';
import type { FleetRepository } from '../../../crds/fleet-repository.ts';
import type { Stored } from '../../../kube/api/objects.ts';
import { keyOf } from '../../../kube/api/resource.ts';
import type { Clock } from '../../../kube/runtime/clock.ts';
import { readDirectory } from './directory-source.ts';
import type { GitSource } from './git-source.ts';
import { type SourceContent, SourceError } from './source.ts';
import type { DirectoryWatches } from './watches.ts';

export interface SourceDeps {
  clock: Clock;
  git: GitSource;
  watches: DirectoryWatches;
  /** spec.path names files of the controller's machine. */
  allowPaths: boolean;
}

export interface OpenSource {
  content: SourceContent;
  /** Whether it still is what the source says: only a directory changes while it is read. */
  settled: () => Promise<boolean>;
}

const settleMilliseconds = 500;

/** @param asUser who reads the Secret. @throws SourceError */
export async function openSource(
  repository: Stored<FleetRepository>,
  asUser: string | undefined,
  { clock, git, watches, allowPaths }: SourceDeps,
  signal: AbortSignal,
): Promise<OpenSource> {
  const { spec } = repository;
  if (spec.path === undefined) {
    watches.release(keyOf(repository));
    return { content: await git.read(repository, spec.url ?? '', asUser, signal), settled: async () => true };
  }
  if (!allowPaths)
    throw new SourceError(
      'SourceNotAllowed',
      'spec.path is only for the embedded control plane: a path would name files of the controller',
      { permanent: true },
    );
  const directory = path.join(spec.path, spec.directory ?? '');
  watches.hold(keyOf(repository), directory);
  const content = await readDirectory(directory);
  return { content, settled: () => isSettled(clock, directory, content.revision, signal) };
}

/** An editor empties a file before it writes it: what is gone for a moment is not gone. */
async function isSettled(clock: Clock, directory: string, revision: string, signal: AbortSignal): Promise<boolean> {
  await clock.sleep(settleMilliseconds, signal);
  return (await readDirectory(directory)).revision === revision;
}
