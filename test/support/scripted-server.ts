// A little HTTP server that plays an API server of one kind and misbehaves as told. No queue of answers left = it behaves:
// lists show `objects`, watches stay open and say nothing.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ConfigMap } from '../../kube/api/builtins.ts';
import type { Stored } from '../../kube/api/objects.ts';

export interface SeenRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: string;
}

export type Answer = (response: ServerResponse, request: SeenRequest) => void;

export class ScriptedServer {
  readonly requests: SeenRequest[] = [];
  /** Each is used once, in order. */
  readonly lists: Answer[] = [];
  readonly watches: Answer[] = [];
  readonly others: Answer[] = [];
  objects: Stored<ConfigMap>[] = [];
  version = '10';
  readonly #server: Server;
  readonly #open = new Set<ServerResponse>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response));
  }

  static async start(): Promise<ScriptedServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new ScriptedServer(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Watches that a client holds open at this moment. */
  get openWatches(): number {
    return this.#open.size;
  }

  get watchRequests(): SeenRequest[] {
    return this.requests.filter((request) => request.query.has('watch'));
  }

  get listRequests(): SeenRequest[] {
    return this.requests.filter((request) => request.method === 'GET' && !request.query.has('watch'));
  }

  /** To every open watch. */
  send(...lines: string[]): void {
    for (const response of this.#open) response.write(lines.join(''));
  }

  endWatches(): void {
    for (const response of this.#open) response.end();
  }

  resetWatches(): void {
    for (const response of this.#open) response.socket?.resetAndDestroy();
  }

  connections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
    });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const seen = { method: request.method ?? '', path: url.pathname, query: url.searchParams, headers: request.headers, body };
    this.requests.push(seen);
    if (seen.query.has('watch')) {
      this.#open.add(response);
      response.on('close', () => this.#open.delete(response));
      (this.watches.shift() ?? stream())(response, seen);
    } else if (this.others.length > 0) {
      this.others.shift()?.(response, seen);
    } else {
      (this.lists.shift() ?? listing(this.objects, this.version))(response, seen);
    }
  }
}

export function listing(items: readonly Stored<ConfigMap>[], resourceVersion: string, token?: string): Answer {
  return json(200, { kind: 'ConfigMapList', apiVersion: 'v1', metadata: { resourceVersion, continue: token }, items });
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

export function failure(code: number, reason: string, headers: Record<string, string> = {}): Answer {
  return json(code, failureStatus(code, reason), headers);
}

export function failureStatus(code: number, reason: string): Record<string, unknown> {
  return { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Failure', code, reason, message: `scripted ${reason}` };
}

/** A watch that says these lines and stays open. */
export function stream(...lines: string[]): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (lines.length > 0) response.write(lines.join(''));
  };
}

/** A watch that says these lines and ends properly. */
export function streamThenEnd(...lines: string[]): Answer {
  return (response, request) => {
    stream(...lines)(response, request);
    response.end();
  };
}

/** A watch, or any answer, whose connection breaks after these lines. */
export function streamThenReset(...lines: string[]): Answer {
  return (response, request) => {
    stream(...lines)(response, request);
    setImmediate(() => response.socket?.resetAndDestroy());
  };
}

export function reset(): Answer {
  return (response) => response.socket?.resetAndDestroy();
}

export function event(type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR', object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`;
}

export function bookmark(resourceVersion: string): string {
  return event('BOOKMARK', { kind: 'ConfigMap', apiVersion: 'v1', metadata: { resourceVersion } });
}

export function configMap(name: string, resourceVersion: string, uid = `uid-${name}`): Stored<ConfigMap> {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'a', name, uid, resourceVersion, creationTimestamp: '2026-01-01T00:00:00Z' },
  };
}
