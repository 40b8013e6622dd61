// The port of gRPC: open from the start, the library behind it loaded with the first connection.
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { openSockets } from '../../../kube/runtime/open-sockets.ts';
import { listen } from '../../http/http-server.ts';
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
export async function startGrpcPort(options: { host: string; port: number }, deps: GrpcServiceDeps): Promise<GrpcPort> {
  let loading: Promise<Loaded> | undefined;
  const tcp = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    loading ??= load(deps);
    loading.then(
      (loaded) => loaded.inject(socket),
      (error: unknown) => {
        deps.logger.error({ err: error }, 'gRPC could not be loaded');
        socket.destroy();
      },
    );
  });
  const sockets = openSockets(tcp);
  await listen(tcp, options.host, options.port);
  const { port } = tcp.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    address: `${host}:${port}`,
    async close() {
      const closed = new Promise<void>((resolve) => tcp.close(() => resolve()));
      const drained = AbortSignal.timeout(drainMilliseconds);
      // Connections end by themselves once their last answer is out.
      (await loading)?.shutDown();
      while (sockets.size > 0 && !drained.aborted) await delay(10);
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function load(deps: GrpcServiceDeps): Promise<Loaded> {
  const [{ ServerCredentials }, { createGrpcServer }] = await Promise.all([import('@grpc/grpc-js'), import('./grpc-service.ts')]);
  const server = createGrpcServer(deps);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  return {
    inject: (socket) => injector.injectConnection(socket),
    shutDown: () => {
      injector.drain(drainMilliseconds);
      server.forceShutdown();
    },
  };
}
