// Files that must be whole after a power cut: write aside, fsync, rename, fsync the directory.
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { type Disk, systemDisk } from './disk.ts';

const asidePattern = /^\..+\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @param file in a directory that exists. */
export async function writeFileAtomic(
  file: string,
  content: string | Uint8Array,
  mode = 0o644,
  disk: Disk = systemDisk,
): Promise<void> {
  const directory = path.dirname(file);
  const aside = path.join(directory, `.${path.basename(file)}.${randomUUID()}`);
  try {
    const handle = await disk.open(aside, 'wx', mode);
    try {
      await handle.write(typeof content === 'string' ? Buffer.from(content) : content, 0);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await disk.rename(aside, file);
  } catch (error) {
    await disk.remove(aside);
    throw error;
  }
  await syncDirectory(directory, disk);
}

/** Removes what writes that a power cut ended have left beside their files. */
export async function sweepAsides(directory: string, disk: Disk): Promise<void> {
  for (const name of await disk.list(directory)) if (asidePattern.test(name)) await disk.remove(path.join(directory, name));
}

/** A rename is durable only once its directory is. */
export async function syncDirectory(directory: string, disk: Disk = systemDisk): Promise<void> {
  const handle = await disk.open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A directory is there after a power cut only when the one that holds it was synced: a file's own sync does not do that. */
export async function makeDirectory(directory: string, disk: Disk = systemDisk, mode?: number): Promise<void> {
  const made = await disk.mkdir(directory, mode);
  const first = path.dirname(path.resolve(made ?? directory));
  for (let parent = path.dirname(path.resolve(directory)); ; parent = path.dirname(parent)) {
    await syncDirectory(parent, disk).catch((error: NodeJS.ErrnoException) => {
      // Above the data directory there may be what this user cannot open; what others made there is theirs to keep.
      if (made !== undefined || (error.code !== 'EACCES' && error.code !== 'EPERM')) throw error;
    });
    if (parent === first || parent === path.dirname(parent)) return;
  }
}

/** The content; undefined when there is no such file. */
export async function readText(file: string, disk: Disk = systemDisk): Promise<string | undefined> {
  try {
    return (await disk.read(file)).toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The parsed file; undefined when there is none. @throws Error that names the file when it is not JSON. */
export async function readJsonFile(file: string, disk: Disk = systemDisk): Promise<unknown> {
  const text = await readText(file, disk);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not JSON: it was changed by hand or damaged; delete it to start without it`, { cause: error });
  }
}
