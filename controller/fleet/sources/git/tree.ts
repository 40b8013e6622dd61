// The manifests of one commit, read from git's own objects. Nothing is checked out: so no file, link, filter or hook of the
// repository ever exists on this machine's disk under a name that it chose.
import path from 'node:path';
import type { FileError, ManifestFile } from '../../manifest.ts';
import { isManifest, SourceError, sourceLimits } from '../source.ts';

/** Runs git in the copy; answers its standard output. */
export type Git = (
  args: readonly string[],
  options: { maximumBytes: number; input?: string; signal?: AbortSignal },
) => Promise<Buffer>;

interface Entry {
  mode: string;
  sha: string;
  bytes: number;
}

/** A tree that names itself again and again is a few objects and more files than memory: the listing is bounded. */
const maximumListingBytes = 32 * 2 ** 20;
const symbolicLink = '120000';

export async function readTree(
  git: Git,
  sha: string,
  directory: string | undefined,
): Promise<{ files: ManifestFile[]; errors: FileError[] }> {
  const prefix = directory === undefined ? '' : `${directory.replace(/\/$/, '')}/`;
  const listing = await git(['ls-tree', '-r', '-z', '-l', '--full-tree', sha, ...(prefix === '' ? [] : ['--', prefix])], {
    maximumBytes: maximumListingBytes,
  });
  const entries = parseListing(listing.toString('utf8'));
  if (prefix !== '' && entries.size === 0)
    throw new SourceError('BuildFailed', `there is no directory ${directory} in ${sha.slice(0, 12)}: correct spec.directory`);
  const errors: FileError[] = [];
  const wanted: { at: string; sha: string }[] = [];
  let bytes = 0;
  for (const [at, entry] of entries) {
    const relative = at.slice(prefix.length);
    if (!isManifest(relative)) continue;
    if (relative.split('/').length - 1 > sourceLimits.depth) {
      errors.push({ file: relative, message: `lies more than ${sourceLimits.depth} directories deep` });
      continue;
    }
    const target = entry.mode === symbolicLink ? await follow(git, entries, at, prefix) : entry;
    const problem = target === undefined ? outOfTree : sizeProblem(target);
    if (problem !== undefined || target === undefined) {
      errors.push({ file: relative, message: problem ?? outOfTree });
      continue;
    }
    bytes += target.bytes;
    wanted.push({ at: relative, sha: target.sha });
  }
  checkTotals(wanted.length, bytes);
  return { files: await readBlobs(git, wanted), errors };
}

const outOfTree = 'is a symbolic link out of the directory: it is not followed';

function sizeProblem({ bytes, mode }: Entry): string | undefined {
  if (mode === symbolicLink) return 'is a symbolic link to another one: it is not followed';
  return bytes > sourceLimits.fileBytes ? `has ${bytes} bytes, at most ${sourceLimits.fileBytes}` : undefined;
}

function checkTotals(files: number, bytes: number): void {
  if (files > sourceLimits.files)
    throw new SourceError(
      'BuildFailed',
      `${files} manifests, at most ${sourceLimits.files}: divide them among several fleet repositories, by spec.directory`,
    );
  if (bytes > sourceLimits.totalBytes)
    throw new SourceError(
      'BuildFailed',
      `the manifests have ${bytes} bytes together, at most ${sourceLimits.totalBytes}: divide them by spec.directory`,
    );
}

/** `<mode> <type> <sha> <size>\t<path>`, ended by NUL. */
function parseListing(listing: string): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const record of listing.split('\0')) {
    const tab = record.indexOf('\t');
    const [mode = '', type, sha = '', size = ''] = record.slice(0, tab).split(/ +/);
    if (tab > 0 && type === 'blob') entries.set(record.slice(tab + 1), { mode, sha, bytes: Number(size) });
  }
  return entries;
}

/** One step, within the directory; anything else is not followed. */
async function follow(git: Git, entries: Map<string, Entry>, at: string, prefix: string): Promise<Entry | undefined> {
  const link = entries.get(at);
  if (!link || link.bytes > 4096) return undefined;
  const target = (await git(['cat-file', 'blob', link.sha], { maximumBytes: 8192 })).toString('utf8');
  if (path.posix.isAbsolute(target)) return undefined;
  const resolved = path.posix.join(path.posix.dirname(at), target);
  return resolved.startsWith(prefix) ? entries.get(resolved) : undefined;
}

/** All in one process: `<sha> blob <size>\n<bytes>\n` each, in the order asked for. */
async function readBlobs(git: Git, wanted: readonly { at: string; sha: string }[]): Promise<ManifestFile[]> {
  if (wanted.length === 0) return [];
  const output = await git(['cat-file', '--batch'], {
    input: wanted.map(({ sha }) => `${sha}\n`).join(''),
    maximumBytes: sourceLimits.totalBytes + wanted.length * 100,
  });
  let offset = 0;
  return wanted.map(({ at, sha }) => {
    const end = output.indexOf(0x0a, offset);
    const [, type, size] = output.toString('utf8', offset, end).split(' ');
    if (type !== 'blob') throw new SourceError('StorageOperationFailed', `git has lost ${sha} of ${at}: the copy is damaged`);
    const start = end + 1;
    offset = start + Number(size) + 1;
    return { path: at, text: output.toString('utf8', start, start + Number(size)) };
  });
}
