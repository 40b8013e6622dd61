// What a connection has carried, as it was on the wire.
import type { Socket } from 'node:net';

export interface Bytes {
  read: number;
  written: number;
}

/**
 * A TLS socket counts what is inside its records. Its handle knows the TCP handle below, which counts everything; Node has no
 * public name for that.
 */
export function bytesOf(socket: Socket): Bytes {
  const tcp =
    (socket as { _handle?: { _parent?: { bytesRead: number; bytesWritten: number } } | null })._handle?._parent ?? socket;
  return { read: tcp.bytesRead, written: tcp.bytesWritten };
}
