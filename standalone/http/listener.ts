import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import { openSockets } from '../../kube/runtime/open-sockets.ts';
import { StandaloneError } from '../standalone-error.ts';

export interface Listener {
  readonly port: number;
  /** Ends connections that are idle, gives the others a moment, then ends all. */
  close(): Promise<void>;
}

const idleConnectionMilliseconds = 120_000;
const graceMilliseconds = 2_000;

/** HTTPS that speaks TLS 1.3 only and asks for a client certificate of the cluster's own authority. */
export async function listen(
  options: { host: string; port: number; certificate: string; key: string; clientCertificateAuthority: string },
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Listener> {
  const server = createServer(
    {
      minVersion: 'TLSv1.3',
      cert: options.certificate,
      key: options.key,
      ca: options.clientCertificateAuthority,
      requestCert: true,
      // Without a certificate a client is anonymous; who may do what is decided per request, and answered with a Status.
      rejectUnauthorized: false,
      // Longer than clients keep idle connections, so that none is closed while a request is on its way.
      keepAliveTimeout: idleConnectionMilliseconds,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    },
    handle,
  );
  const sockets = openSockets(server);
  await bind(server, options.host, options.port);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { port: address.port, close: () => close(server, sockets) };
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(explain(error, host, port)));
    server.listen(port, host, resolve);
  });
}

function explain(error: Error, host: string, port: number): StandaloneError {
  const code = 'code' in error ? error.code : undefined;
  const place = `${host}:${port}`;
  switch (code) {
    case 'EADDRINUSE':
      return new StandaloneError(`${place} is already in use`, 'Choose another port with --port, or 0 for any free one.', {
        cause: error,
      });
    case 'EACCES':
      return new StandaloneError(`this user may not listen on ${place}`, 'Choose a port above 1023 with --port.', {
        cause: error,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new StandaloneError(`this machine has no address ${host}`, 'Choose an address of this machine, such as 127.0.0.1.', {
        cause: error,
      });
    default:
      return new StandaloneError(`cannot listen on ${place}: ${error.message}`, 'Choose another address or port.', {
        cause: error,
      });
  }
}

function close(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, graceMilliseconds);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}
