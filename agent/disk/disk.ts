// Every operation on what the agent keeps goes through here, so that tests can cut the power at each of them.
import { createReadStream } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, readFile, rename, rm, stat, statfs, utimes } from 'node:fs/promises';
import type { Readable } from 'node:stream';

/** `w` empties, `wx` refuses a file that exists, `r+` keeps what is there, `r` is for directories to be synced. */
export type OpenFlags = 'w' | 'wx' | 'r+' | 'r';

export interface DiskFile {
  /** All bytes, at this offset. */
  write(bytes: Uint8Array, offset: number): Promise<void>;
  truncate(bytes: number): Promise<void>;
  /** Data and metadata are on the medium when this resolves; of a directory: its entries. */
  sync(): Promise<void>;
  datasync(): Promise<void>;
  close(): Promise<void>;
}

export interface DiskEntry {
  isFile: boolean;
  bytes: number;
  /** Milliseconds since the epoch. */
  modified: number;
  /** Permission bits. */
  mode: number;
}

/** Errors are those of the system: `code` is ENOENT, ENOSPC, … */
export interface Disk {
  open(file: string, flags: OpenFlags, mode?: number): Promise<DiskFile>;
  read(file: string): Promise<Buffer>;
  /** @param end offset of the last byte. */
  readStream(file: string, end?: number): Readable;
  stat(file: string): Promise<DiskEntry>;
  list(directory: string): Promise<string[]>;
  /** @returns the topmost directory that was made; undefined when all were there. */
  mkdir(directory: string, mode?: number): Promise<string | undefined>;
  rename(from: string, to: string): Promise<void>;
  link(existing: string, name: string): Promise<void>;
  /** With what is below it; nothing happens when it is not there. */
  remove(file: string): Promise<void>;
  touch(file: string, time: Date): Promise<void>;
  freeBytes(directory: string): Promise<number>;
}

const readBytes = 1 << 18;

export const systemDisk: Disk = {
  open: async (file, flags, mode) => fileOf(await open(file, flags, mode)),
  read: (file) => readFile(file),
  readStream: (file, end) => createReadStream(file, { highWaterMark: readBytes, ...(end === undefined ? {} : { end }) }),
  stat: async (file) => {
    const info = await stat(file);
    return { isFile: info.isFile(), bytes: info.size, modified: info.mtimeMs, mode: info.mode & 0o777 };
  },
  list: (directory) => readdir(directory),
  mkdir: (directory, mode) => mkdir(directory, { recursive: true, ...(mode === undefined ? {} : { mode }) }),
  rename,
  link,
  remove: (file) => rm(file, { recursive: true, force: true }),
  touch: (file, time) => utimes(file, time, time),
  freeBytes: async (directory) => {
    const info = await statfs(directory);
    return info.bavail * info.bsize;
  },
};

function fileOf(handle: FileHandle): DiskFile {
  return {
    write: async (bytes, offset) => {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, offset + done);
        done += bytesWritten;
      }
    },
    truncate: (bytes) => handle.truncate(bytes),
    sync: () => handle.sync(),
    datasync: () => handle.datasync(),
    close: () => handle.close(),
  };
}
