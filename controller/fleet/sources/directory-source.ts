// A local directory as a fleet source: its manifests, and a revision that is the hash of what they say.
import { createHash } from 'node:crypto';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { watch } from 'chokidar';
import { toError } from '../../../kube/api/api-error.ts';
import type { FileError, ManifestFile } from '../manifest.ts';
import { isManifest, type SourceContent, sourceLimits } from './source.ts';

const { files: maximumFiles, fileBytes: maximumFileBytes, totalBytes: maximumBytes, depth: maximumDepth } = sourceLimits;

/** Sorted by path. Symbolic links are followed only within the root. @throws Error that names the directory. */
export async function readDirectory(directory: string): Promise<SourceContent> {
  const root = await realpath(directory).catch((error: unknown) => {
    throw new Error(`the directory ${directory} cannot be read: correct spec.path`, { cause: error });
  });
  if (!(await stat(root)).isDirectory()) throw new Error(`${directory} is not a directory: correct spec.path`);
  const files: ManifestFile[] = [];
  const errors: FileError[] = [];
  let bytes = 0;
  for (const relative of await listManifests(root, '', 0)) {
    if (files.length >= maximumFiles)
      throw new Error(`${directory} has more than ${maximumFiles} manifests: divide it among several fleet repositories`);
    const file = await readManifest(root, relative);
    if ('message' in file) errors.push(file);
    else files.push(file);
    bytes += 'text' in file ? file.text.length : 0;
    if (bytes > maximumBytes)
      throw new Error(`the manifests below ${directory} have more than ${maximumBytes} bytes: divide them by spec.directory`);
  }
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file.path}\0${file.text}\0`);
  for (const error of errors) hash.update(`${error.file}\0${error.message}\0`);
  return { revision: `sha256:${hash.digest('hex')}`, files, errors };
}

async function listManifests(root: string, relative: string, depth: number): Promise<string[]> {
  if (depth > maximumDepth) throw new Error(`${path.join(root, relative)} lies more than ${maximumDepth} directories deep`);
  const entries = await readdir(path.join(root, relative), { withFileTypes: true });
  const found = await Promise.all(
    entries
      .filter((entry) => !entry.name.startsWith('.'))
      .map(async (entry) => {
        const at = path.posix.join(relative, entry.name);
        if (entry.isDirectory()) return await listManifests(root, at, depth + 1);
        return (entry.isFile() || entry.isSymbolicLink()) && isManifest(entry.name) ? [at] : [];
      }),
  );
  return found.flat().sort();
}

async function readManifest(root: string, relative: string): Promise<ManifestFile | FileError> {
  try {
    const real = await realpath(path.join(root, relative));
    if (!real.startsWith(root + path.sep))
      return { file: relative, message: 'is a symbolic link out of the directory: it is not followed' };
    const found = await stat(real);
    // A pipe would be read for ever.
    if (!found.isFile()) return { file: relative, message: 'is a symbolic link to something that is no file' };
    const { size } = found;
    if (size > maximumFileBytes) return { file: relative, message: `has ${size} bytes, at most ${maximumFileBytes}` };
    return { path: relative, text: await readFile(real, 'utf8') };
  } catch (error) {
    return { file: relative, message: `cannot be read: ${toError(error).message}` };
  }
}

/** Calls back after changes below a directory have settled; editors write a file in several steps. */
export function watchDirectory(directory: string, onChange: () => void): { close(): Promise<void> } {
  const watcher = watch(directory, {
    ignoreInitial: true,
    followSymlinks: false,
    depth: maximumDepth,
    awaitWriteFinish: { stabilityThreshold: 200, pollInterval: 50 },
  });
  watcher.on('all', onChange);
  watcher.on('error', onChange); // the next pass says what is wrong with the directory
  return { close: () => watcher.close() };
}
