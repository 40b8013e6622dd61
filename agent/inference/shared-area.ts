// Where the agent puts a large request for a model's process: a file in memory that both have open. A unix socket holds about 140 KiB; the
// rest of a request would be passed on only when the process is done with the one before.
import { closeSync, constants, openSync, readSync, unlinkSync, writeSync } from 'node:fs';

const slotCount = 2;
const slotBytes = 4 * 1024 * 1024;
/** What is smaller fits into the socket. */
const smallestBytes = 64 * 1024;

/** Bytes of a request in the area. */
export interface Place {
  offset: number;
  bytes: number;
}

export class SharedArea {
  readonly fd: number;
  readonly #taken = Array.from({ length: slotCount }, () => false);

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** Undefined where the system has no file system in memory: then everything goes through the socket. */
  static open(): SharedArea | undefined {
    // No node:crypto or node:path: a model's process loads this file too, and O_EXCL refuses a name that somebody else has taken.
    const file = `/dev/shm/jouleops-${process.pid}-${Math.random().toString(36).slice(2)}`;
    try {
      const fd = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
      unlinkSync(file); // gone with the last process that has it open
      return new SharedArea(fd);
    } catch {
      return undefined;
    }
  }

  /** Undefined when the payload is small enough for the socket, too large for a slot, or when there is no room. */
  put(payload: Uint8Array): Place | undefined {
    const slot = this.#taken.indexOf(false);
    if (slot === -1 || payload.byteLength < smallestBytes || payload.byteLength > slotBytes) return undefined;
    const offset = slot * slotBytes;
    try {
      for (let written = 0; written < payload.byteLength; )
        written += writeSync(this.fd, payload, written, payload.byteLength - written, offset + written);
    } catch {
      return undefined; // the system's memory for files is used up
    }
    this.#taken[slot] = true;
    return { offset, bytes: payload.byteLength };
  }

  release({ offset }: Place): void {
    this.#taken[offset / slotBytes] = false;
  }

  close(): void {
    closeSync(this.fd);
  }
}

export function encodePlace({ offset, bytes }: Place): Uint8Array {
  const payload = Buffer.alloc(8);
  payload.writeUInt32LE(offset, 0);
  payload.writeUInt32LE(bytes, 4);
  return payload;
}

/** In the model's process. */
export function readPlace(fd: number, place: Uint8Array): Uint8Array {
  const view = new DataView(place.buffer, place.byteOffset, place.byteLength);
  const offset = view.getUint32(0, true);
  const payload = new Uint8Array(new ArrayBuffer(view.getUint32(4, true)));
  for (let read = 0; read < payload.byteLength; ) {
    const more = readSync(fd, payload, read, payload.byteLength - read, offset + read);
    if (more === 0) throw new Error(`the shared area ends after ${read} of ${payload.byteLength} bytes of a request`);
    read += more;
  }
  return payload;
}
