// The port of gRPC: open from the start, the library behind it loaded with the first connection.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer as createSecureServer, type TLSSocket } from 'node:tls';
import { urlHost } from '../../../kube/api/url-host.ts';
import { listen } from '../../../kube/runtime/listen.ts';
import { openSockets } from '../../../kube/runtime/open-sockets.ts';
import { type Access, isOpen } from '../../http/access.ts';
import { secureOptions } from '../../http/secure-options.ts';
import type { GrpcServiceDeps } from './grpc-service.ts';

export interface GrpcPort {
  /** `host:port`, as gRPC clients take it. */
  address: string;
  close(): Promise<void>;
}

interface Loaded {
  inject(socket: Socket): void;
  shutDown(): void;
}

const drainMilliseconds = 2000;

/** @throws Error that says what to do when the port is taken. */
export async function startGrpcPort(
  options: { host: string; port: number; access?: Access },
  deps: GrpcServiceDeps,
): Promise<GrpcPort> {
  const { access = { tokens: [] } } = options;
  /** By whether its calls need no token: an open port, or a connection with a trusted certificate. */
  const loading = new Map<boolean, Promise<Loaded>>();
  const serve = (socket: Socket, trusted: boolean) => {
    socket.on('error', () => socket.destroy());
    const loaded = loading.get(trusted) ?? load(deps, trusted ? undefined : access.tokens);
    loading.set(trusted, loaded);
    loaded.then(
      (ready) => ready.inject(socket),
      (error: unknown) => {
        loading.delete(trusted); // the next connection tries again
        deps.logger.error({ err: error }, 'gRPC could not be loaded');
        socket.destroy();
      },
    );
  };
  const tcp = createPort(access, serve);
  const sockets = openSockets(tcp);
  await listen(tcp, options, 'the gRPC port');
  const { port } = tcp.address() as AddressInfo;
  const host = urlHost(options.host);
  return {
    address: `${host}:${port}`,
    async close() {
      const closed = new Promise<void>((resolve) => tcp.close(() => resolve()));
      const drained = AbortSignal.timeout(drainMilliseconds);
      // Connections end by themselves once their last answer is out.
      for (const loaded of loading.values())
        await loaded.then(
          (ready) => ready.shutDown(),
          () => {}, // it was never there
        );
      while (sockets.size > 0 && !drained.aborted) await delay(10);
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function createPort(access: Access, serve: (socket: Socket, trusted: boolean) => void): Server {
  const secure = secureOptions(access);
  if (!secure) return createServer({ noDelay: true }, (socket) => serve(socket, isOpen(access)));
  const server = createSecureServer({ ...secure, ALPNProtocols: ['h2'], noDelay: true }, (socket: TLSSocket) =>
    serve(socket, isOpen(access) || socket.authorized),
  );
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}

/** @param tokens one of which every call has to carry; undefined: none has to */
async function load(deps: GrpcServiceDeps, tokens: readonly string[] | undefined): Promise<Loaded> {
  const [{ ServerCredentials }, { createGrpcServer }] = await Promise.all([import('@grpc/grpc-js'), import('./grpc-service.ts')]);
  const server = createGrpcServer(deps, tokens);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  return {
    inject: (socket) => injector.injectConnection(socket),
    shutDown: () => {
      injector.drain(drainMilliseconds);
      server.forceShutdown();
    },
  };
}
