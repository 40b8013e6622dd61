import { realpath } from 'node:fs/promises';
import net from 'node:net';

/**
 * Keeps a second agent off a data directory. The lock is an abstract socket: the kernel drops it with the process, so none is ever stale.
 * @throws Error that says what to do when another agent holds it.
 */
export async function lockDirectory(directory: string): Promise<AsyncDisposable> {
  const name = `\0jouleops-agent:${await realpath(directory)}`;
  const server = net.createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error);
      reject(
        new Error(`another agent runs on ${directory}: stop it first, or give this one its own data directory`, { cause: error }),
      );
    });
    server.listen(name, resolve);
  });
  server.unref();
  return {
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
