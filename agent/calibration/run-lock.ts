// One run at a time per record: two would measure each other.
import { readFile, rm, writeFile } from 'node:fs/promises';

/** Held until disposed; what a killed process left is taken over. @throws Error that names the process that holds it. */
export async function lockRun(file: string): Promise<AsyncDisposable> {
  const lock = `${file}.lock`;
  for (let attempt = 0; ; attempt++) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx' });
      return { [Symbol.asyncDispose]: () => rm(lock, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 0) throw error;
      const holder = Number(await readFile(lock, 'utf8').catch(() => ''));
      if (holder > 0 && holder !== process.pid && isRunning(holder))
        throw new Error(`process ${holder} calibrates with ${file} already: wait for it, or write elsewhere with --out`);
      await rm(lock, { force: true });
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
