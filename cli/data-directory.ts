import { constants } from 'node:fs';
import { access, mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CommandError } from './exit-codes.ts';

/**
 * Makes the directory that --data-dir or another flag names, for its owner only, and sees that it can be written. Absolute path out.
 * Segment by segment: the recursive mkdir of Node never returns where a parent says ENOENT although it is there, as /proc does.
 * @throws CommandError that names the directory and what stands in the way.
 */
export async function makeDataDirectory(directory: string, flag = '--data-dir'): Promise<string> {
  const path = resolve(directory);
  try {
    await makeWithParents(path);
    await access(path, constants.W_OK | constants.X_OK);
    return path;
  } catch (error) {
    throw new CommandError(
      `${flag} ${directory} cannot be written: ${obstacle(error)}`,
      `name a directory that you may write, for example ${flag} ./${flag === '--data-dir' ? 'state' : 'made'}`,
      { cause: error },
    );
  }
}

async function makeWithParents(path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found?.isDirectory()) return;
  if (found) throw Object.assign(new Error(`${path} is a file`), { code: 'EEXIST', path });
  await makeWithParents(dirname(path));
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

function obstacle(error: unknown): string {
  const { code = '', path = '', message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return `no permission for ${path}`;
    case 'EROFS':
      return `${path} is on a file system that is read-only`;
    case 'ENOSPC':
      return `no space is left for ${path}`;
    case 'ENOTDIR':
      return `a part of ${path} is a file`;
    case 'EEXIST':
      return `${path} is a file`;
    case 'ENOENT':
      return `no directory can be made at ${path}`;
    default:
      return message;
  }
}
