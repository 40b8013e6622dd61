import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { urlHost } from '../../kube/api/url-host.ts';
import { listen } from '../../kube/runtime/listen.ts';
import { openSockets } from '../../kube/runtime/open-sockets.ts';
import type { Access } from './access.ts';
import { secureOptions } from './secure-options.ts';

export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  method: string;
  /** Without a trailing slash; `/` itself is ''. */
  path: string;
  query: URLSearchParams;
}

/** Answers and says true, or leaves the exchange to the next handler. */
export type Handler = (exchange: Exchange) => boolean | Promise<boolean>;

export interface HttpServer {
  url: string;
  close(): Promise<void>;
}

/** @throws Error that says what to do when the port is taken. */
export async function startHttpServer(
  options: { host: string; port: number; handlers: readonly Handler[]; access?: Access },
  deps: { logger: Logger },
): Promise<HttpServer> {
  const listener: RequestListener = (request, response) => {
    serve(options.handlers, request, response).catch((error: unknown) => {
      deps.logger.error({ err: error, path: request.url }, 'a request failed in the agent itself');
      if (!response.headersSent) sendJson(response, 500, { error: 'the agent failed; see its log' });
      else response.destroy();
    });
  };
  const settings = { keepAliveTimeout: 75_000, noDelay: true };
  const secure = options.access && secureOptions(options.access);
  const server = secure ? createSecureServer({ ...settings, ...secure }, listener) : createServer(settings, listener);
  const sockets = openSockets(server);
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  const host = urlHost(options.host);
  return {
    url: `${secure ? 'https' : 'http'}://${host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        // A connection that is still shaking hands is none of HTTP's yet.
        setTimeout(() => {
          for (const socket of sockets) socket.destroy();
        }, 2000).unref();
      }),
  };
}

async function serve(handlers: readonly Handler[], request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  const exchange: Exchange = {
    request,
    response,
    method: request.method ?? 'GET',
    path: path.endsWith('/') ? path.slice(0, -1) : path,
    query: new URLSearchParams(query),
  };
  for (const handler of handlers) if (await handler(exchange)) return;
  sendJson(response, 404, { error: `nothing is served at ${path}; see /v2, /metrics, /readyz, /debug/sensors` });
}

export function sendJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  const text = Buffer.from(`${JSON.stringify(body)}`);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': text.length, ...headers });
  response.end(text);
}

export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  contentType = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
