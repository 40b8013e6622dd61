import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** Trimmed content; undefined when the file is not there or may not be read. */
export async function readSysfs(...parts: string[]): Promise<string | undefined> {
  try {
    return (await readFile(path.join(...parts), 'utf8')).trim();
  } catch {
    return undefined;
  }
}

/** @throws Error that names the file when it is gone or holds no number: a sensor that vanished. */
export async function readSysfsNumber(file: string): Promise<number> {
  const text = (await readFile(file, 'utf8')).trim();
  const value = Number(text);
  if (text === '' || !Number.isFinite(value)) throw new Error(`${file} says "${text}", which is no number`);
  return value;
}

/** Full paths of a directory's entries whose names match, in natural order. Empty when there is no such directory. */
export async function listSysfs(directory: string, pattern: RegExp): Promise<string[]> {
  const names = await readdir(directory).catch((): string[] => []);
  return names
    .filter((name) => pattern.test(name))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => path.join(directory, name));
}
