// The one HTTP port of the agent and what it answers.
import type { Logger } from 'pino';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { Access } from '../http/access.ts';
import { createAccessHandler } from '../http/access-handler.ts';
import { type Handler, type HttpServer, startHttpServer } from '../http/http-server.ts';
import { createSystemHandler } from '../http/system-handler.ts';
import { createTelemetryHandler } from '../http/telemetry-handler.ts';
import type { EnergyBook } from '../measurement/energy-book.ts';
import type { AgentMetrics } from '../metrics/agent-metrics.ts';
import type { AgentOptions } from '../options.ts';
import { ExternalSources } from '../power/sources/external.ts';
import { type GrpcPort, startGrpcPort } from '../protocols/grpc/grpc-port.ts';
import { createRestHandler } from '../protocols/rest/rest-handler.ts';
import type { Routes } from '../serving/routes.ts';
import type { ServedModel } from '../serving/served-model.ts';
import type { Board } from './board.ts';
import type { Serving } from './serving.ts';

const maximumRequestBytes = 64 * 1024 * 1024;

interface Deps {
  clock: Clock;
  logger: Logger;
  board: Board;
  book: EnergyBook;
  metrics: AgentMetrics;
  routes: Routes;
  serving: Serving;
  access: Access;
  /** The paths of the replaced agent. */
  compatibility: Handler;
}

/** @throws Error when the port is taken. */
export function openHttp(options: AgentOptions, deps: Deps): Promise<HttpServer> {
  const { access, clock, board, book, metrics, routes, serving } = deps;
  const { power } = board;
  const external = board.simulated ? undefined : new ExternalSources({ clock, onNew: (source) => power.add(source) });
  return startHttpServer(
    {
      host: options.host ?? '127.0.0.1',
      port: options.port ?? 0,
      access,
      handlers: [
        createAccessHandler(access),
        createRestHandler({
          routes,
          service: serving.service,
          energyOf: (model) => windowEnergyOf(book, model),
          maximumRequestBytes,
        }),
        createSystemHandler({ metrics, power, routes }),
        createTelemetryHandler(external),
        deps.compatibility,
      ],
    },
    deps,
  );
}

/** gRPC, where it is wanted: the same service on a port of its own. @throws Error when the port is taken. */
export async function openGrpc(options: AgentOptions, deps: Deps): Promise<GrpcPort | undefined> {
  if (options.grpcPort === undefined) return undefined;
  const { book, logger, routes, serving } = deps;
  return startGrpcPort(
    { host: options.host ?? '127.0.0.1', port: options.grpcPort, access: deps.access },
    { logger, routes, service: serving.service, energyOf: (model) => windowEnergyOf(book, model), maximumRequestBytes },
  );
}

/** What answers say of energy: the last completed window at the budget's boundary. */
function windowEnergyOf(book: EnergyBook, model: ServedModel) {
  const window = book.lastWindow(model.slot.revision, model.slot.budget?.boundary ?? 'Board');
  if (window?.joulesPerInference === undefined) return undefined;
  return {
    meanMillijoules: Number((window.joulesPerInference * 1000).toPrecision(3)),
    window: window.id,
    source: window.source,
    attribution: 'Exclusive' as const,
  };
}
