import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

export interface Tree extends AsyncDisposable {
  root: string;
  write(file: string, content: string): Promise<void>;
  remove(file: string): Promise<void>;
}

/** A directory that looks like the parts of /sys that a board would have. */
export async function sysfsTree(files: Record<string, string>): Promise<Tree> {
  const root = await mkdtemp(path.join(os.tmpdir(), 'jouleops-sysfs-'));
  const write = async (file: string, content: string) => {
    await mkdir(path.dirname(path.join(root, file)), { recursive: true });
    await writeFile(path.join(root, file), `${content}\n`);
  };
  for (const [file, content] of Object.entries(files)) await write(file, content);
  return {
    root,
    write,
    remove: (file) => rm(path.join(root, file)),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}
