import path from 'node:path';
import { type Disk, type DiskFile, type OpenFlags, systemDisk } from '../../../agent/disk/disk.ts';
import type { Operation } from './operations.ts';

/** The system's disk, one operation at a time, all of them written down. */
export class RecordingDisk implements Disk {
  readonly operations: Operation[] = [];
  readonly #root: string;
  #last: Promise<unknown> = Promise.resolve();

  /** @param root the directory above everything that is of interest. */
  constructor(root: string) {
    this.#root = root;
  }

  async open(file: string, flags: OpenFlags, mode = 0o644): Promise<DiskFile> {
    const name = this.#name(file);
    const creates = flags === 'w' || flags === 'wx';
    const handle = await this.#run(
      () => systemDisk.open(file, flags, mode),
      creates ? { kind: 'create', file: name, mode } : { kind: 'look', what: `open ${name}` },
    );
    const sync: Operation = flags === 'r' ? { kind: 'syncDirectory', directory: name } : { kind: 'sync', file: name };
    return {
      write: (bytes, offset) =>
        this.#run(() => handle.write(bytes, offset), { kind: 'write', file: name, offset, bytes: Buffer.from(bytes) }),
      truncate: (bytes) => this.#run(() => handle.truncate(bytes), { kind: 'truncate', file: name, bytes }),
      sync: () => this.#run(() => handle.sync(), sync),
      datasync: () => this.#run(() => handle.datasync(), sync),
      close: () => this.#run(() => handle.close(), { kind: 'look', what: `close ${name}` }),
    };
  }

  read(file: string): Promise<Buffer> {
    return this.#run(() => systemDisk.read(file), { kind: 'look', what: `read ${this.#name(file)}` });
  }

  readStream(file: string, end?: number): ReturnType<Disk['readStream']> {
    this.operations.push({ kind: 'look', what: `read ${this.#name(file)}` });
    return systemDisk.readStream(file, end);
  }

  stat(file: string): ReturnType<Disk['stat']> {
    return this.#run(() => systemDisk.stat(file), { kind: 'look', what: `stat ${this.#name(file)}` });
  }

  list(directory: string): Promise<string[]> {
    return this.#run(() => systemDisk.list(directory), { kind: 'look', what: `list ${this.#name(directory)}` });
  }

  mkdir(directory: string, mode?: number): Promise<string | undefined> {
    const operation = { kind: 'mkdir' as const, directories: [] as string[] };
    return this.#run(async () => {
      const first = await systemDisk.mkdir(directory, mode);
      if (first !== undefined)
        for (let made = directory; made.length >= first.length; made = path.dirname(made))
          operation.directories.unshift(this.#name(made));
      return first;
    }, operation);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#run(() => systemDisk.rename(from, to), { kind: 'rename', from: this.#name(from), to: this.#name(to) });
  }

  link(existing: string, name: string): Promise<void> {
    return this.#run(() => systemDisk.link(existing, name), {
      kind: 'link',
      existing: this.#name(existing),
      name: this.#name(name),
    });
  }

  remove(file: string): Promise<void> {
    return this.#run(() => systemDisk.remove(file), { kind: 'remove', file: this.#name(file) });
  }

  touch(file: string, time: Date): Promise<void> {
    return this.#run(() => systemDisk.touch(file, time), { kind: 'look', what: `touch ${this.#name(file)}` });
  }

  freeBytes(directory: string): Promise<number> {
    return this.#run(() => systemDisk.freeBytes(directory), { kind: 'look', what: 'ask for free space' });
  }

  #name(file: string): string {
    return path.relative(this.#root, file);
  }

  /** One that failed left nothing behind that counts. */
  #run<T>(act: () => Promise<T>, operation: Operation): Promise<T> {
    const next = this.#last.then(async () => {
      const result = await act();
      this.operations.push(operation);
      return result;
    });
    this.#last = next.catch(() => undefined);
    return next;
  }
}
