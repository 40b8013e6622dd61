// The manifests of a commit of the repository that a directory lies in. Read from git's objects: nothing is checked out.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gitEnvironment } from '../../controller/fleet/sources/git/environment.ts';
import { runGit } from '../../controller/fleet/sources/git/run-git.ts';
import { readTree } from '../../controller/fleet/sources/git/tree.ts';
import type { SourceContent } from '../../controller/fleet/sources/source.ts';
import { CommandError } from '../exit-codes.ts';

const run = promisify(execFile);

/** @throws CommandError that names the reference or the directory */
export async function readCommit(directory: string, ref: string, signal: AbortSignal): Promise<SourceContent> {
  const { gitDirectory, prefix } = await locate(directory, signal);
  const home = await mkdtemp(join(tmpdir(), 'jouleops-plan-'));
  try {
    const access = { settings: [], allowFiles: false };
    const environment = { ...gitEnvironment(access, { home, silenceSeconds: 30 }), GIT_DIR: gitDirectory };
    const git: Parameters<typeof readTree>[0] = (args, options) =>
      runGit({ args, environment, directory: home, signal, ...options });
    const sha = await commitOf(git, ref);
    const content = await readTree(git, sha, prefix === '' ? undefined : prefix).catch((error: unknown) => {
      signal.throwIfAborted();
      // A directory that one of the two commits has not got yet, or no longer, declares nothing there.
      if (error instanceof Error && error.message.startsWith('there is no directory')) return { files: [], errors: [] };
      throw error;
    });
    return { revision: `${ref}@sha1:${sha}`, ...content };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function commitOf(git: Parameters<typeof readTree>[0], ref: string): Promise<string> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`];
  const found = await git(args, { maximumBytes: 4096 }).catch((error: unknown) => {
    throw new CommandError(
      `${ref} names no commit of this repository`,
      'fetch it first (a shallow clone of a CI job has one commit: set its depth to 0), or correct the reference',
      { cause: error },
    );
  });
  return found.toString('utf8').trim();
}

async function locate(directory: string, signal: AbortSignal): Promise<{ gitDirectory: string; prefix: string }> {
  try {
    const { stdout } = await run('git', ['rev-parse', '--absolute-git-dir', '--show-prefix'], { cwd: directory, signal });
    const [gitDirectory = '', prefix = ''] = stdout.split('\n');
    return { gitDirectory, prefix: prefix.replace(/\/$/, '') };
  } catch (error) {
    signal.throwIfAborted();
    throw new CommandError(`${directory} is in no Git repository`, 'name a directory of one with --files, or leave out --from', {
      cause: error,
    });
  }
}
