import type { Server } from 'node:net';

/** @param what is to listen, for the message. @throws Error that says what to do when it is taken. */
export function listen(server: Server, { host, port }: { host: string; port: number }, what = 'port'): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error);
      return reject(new Error(`${what} ${host}:${port} is in use: choose another, or 0 for any`, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
}
