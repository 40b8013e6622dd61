// Clients in other languages are no dependency of ours: without one its tour is skipped and says so, but never in CI.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { withFolderLock } from '../control-plane/folder-lock.ts';
import { runCommand } from './command.ts';

/** The path of the program, or undefined after saying why the tour is skipped. */
export async function findProgram(program: string, versionArgs: readonly string[]): Promise<string | undefined> {
  const { code } = await runCommand(program, versionArgs);
  return code === 0 ? program : skipped(`${program} is not on the PATH: install it to run its tour`);
}

/** A Python with the packages of a requirements file, in a virtual environment cached outside the tree. */
export async function findPython(requirementsFile: string): Promise<string | undefined> {
  const version = await runCommand('python3', ['--version']);
  if (version.code !== 0) return skipped('python3 is not on the PATH: install Python 3.10 or later to run the tour');
  const hash = createHash('sha256').update(version.stdout);
  hash.update(await readFile(requirementsFile));
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'jouleops', 'python-client');
  const folder = join(cache, hash.digest('hex').slice(0, 16));
  const finished = join(folder, 'finished');
  await mkdir(cache, { recursive: true });
  return withFolderLock(`${folder}.lock`, async () => {
    if (existsSync(finished)) return join(folder, 'bin', 'python');
    await rm(folder, { recursive: true, force: true });
    const made = await runCommand('python3', ['-m', 'venv', folder]);
    if (made.code !== 0) return skipped(`python3 cannot make a virtual environment: ${lastLine(made.stderr)}`);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', requirementsFile];
    const installed = await runCommand(join(folder, 'bin', 'python'), pip, { timeoutSeconds: 300 });
    if (installed.code !== 0) return skipped(`${requirementsFile} cannot be installed: ${lastLine(installed.stderr)}`);
    // A virtual environment cannot be renamed into place; this file says that it is whole.
    await writeFile(finished, '');
    return join(folder, 'bin', 'python');
  });
}

function skipped(reason: string): undefined {
  if (process.env['CI']) throw new Error(reason);
  process.stderr.write(`\nSkipped: ${reason}.\n\n`);
  return undefined;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
