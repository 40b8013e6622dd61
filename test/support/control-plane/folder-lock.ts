// A lock between processes: a folder that only one of them can make. A dead holder's lock is taken over.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export async function withFolderLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  while (!(await acquire(folder))) {
    if (!(await holderLives(folder))) await rm(folder, { recursive: true, force: true });
    await delay(250);
  }
  try {
    return await work();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function acquire(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
  await writeFile(join(folder, 'pid'), String(process.pid));
  return true;
}

async function holderLives(folder: string): Promise<boolean> {
  const text = await readFile(join(folder, 'pid'), 'utf8').catch(() => '');
  // Between mkdir and the write of its pid a holder has none yet: it counts as alive.
  if (text === '') return true;
  try {
    process.kill(Number(text), 0);
    return true;
  } catch {
    return false;
  }
}
