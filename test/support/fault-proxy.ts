// Stands between clients and one API server, ends TLS on both sides, and misbehaves as told: a network and a load balancer in one.
// It calls the server with credentials of its own, so every client behind it is the administrator.
import { once } from 'node:events';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Agent, createServer, request, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from '../../kube/api/connection.ts';
import type { KeyAndCertificate } from './control-plane/certificates.ts';

export interface ProxiedCall {
  method: string;
  path: string;
  query: URLSearchParams;
  watch: boolean;
  body: string;
  /** Milliseconds of performance.now() when the call came in. */
  at: number;
  /** What the server answered; undefined while it has not, or was not asked. */
  status?: number;
}

/** What happens to one call. */
export type Fault =
  /** An answer that the server knows nothing of. */
  | { kind: 'answer'; status: number; reason: string; retryAfterSeconds?: number }
  /** The connection breaks before the server hears of the call. */
  | { kind: 'cut' }
  /** The server does what it is asked, and nobody hears of it. */
  | { kind: 'cutAfter' }
  /** The answer is held back. */
  | { kind: 'delay'; milliseconds: number };

export interface FaultProxyOptions {
  upstream: Connection;
  serving: KeyAndCertificate;
  /** Without it: a free one. */
  port?: number;
}

export class FaultProxy {
  /** Asked for every call; undefined lets it through. */
  decide: (call: ProxiedCall) => Fault | undefined = () => undefined;
  /** Told of every call once its answer is known. */
  onAnswer: (call: ProxiedCall) => void = () => undefined;
  /** When set, every other token is answered 401. */
  token: string | undefined;
  /** How often something was done to a call, a watch or all connections. */
  injected = 0;
  readonly #options: FaultProxyOptions;
  readonly #upstream: Agent;
  /** The TCP sockets below TLS, by the port at the other end: only they can be reset. */
  readonly #sockets = new Map<number, Socket>();
  readonly #watches = new Set<OpenWatch>();
  #server: Server;
  #port = 0;
  #held: PromiseWithResolvers<void> | undefined;

  private constructor(options: FaultProxyOptions) {
    this.#options = options;
    const { certificateAuthority, clientCertificate, clientKey } = options.upstream;
    this.#upstream = new Agent({ keepAlive: true, ca: certificateAuthority, cert: clientCertificate, key: clientKey });
    this.#server = this.#createServer(options.serving);
  }

  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    await proxy.#listen(options.port ?? 0);
    return proxy;
  }

  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  /** Connections that clients hold open. */
  get connections(): number {
    return this.#sockets.size;
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  /** Breaks every connection. */
  cutAll(): void {
    this.injected += 1;
    for (const socket of this.#sockets.values()) socket.resetAndDestroy();
  }

  /** Ends every watch: properly, by a reset, or in the middle of a line. */
  endWatches(how: 'end' | 'reset' | 'halfLine'): void {
    for (const watch of this.#watches) {
      this.injected += 1;
      const { response } = watch;
      if (how === 'end') response.end();
      else if (how === 'reset') this.#reset(response);
      // Not reset: the half line would be thrown away with the connection.
      else response.write('{"type":"MODIFIED","object":{"metadata":{"na', () => response.socket?.end());
    }
  }

  /** Says something in every open watch that the server did not say. */
  interject(line: (call: ProxiedCall) => string, end = false): void {
    for (const { response, call } of this.#watches) {
      this.injected += 1;
      response.write(line(call));
      if (end) response.end();
    }
  }

  /** Says again what each watch said last: late and duplicate events. */
  repeatEvents(): void {
    for (const watch of this.#watches) {
      this.injected += 1;
      for (const line of watch.recent.toReversed()) watch.response.write(line);
    }
  }

  /** From now on no byte passes in either direction, and nobody is told: a half-open network. */
  hold(): void {
    this.injected += 1;
    this.#held ??= Promise.withResolvers<void>();
  }

  /** Bytes pass again. Connections from before stay silent for ever, as after a lost route. */
  letGo(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
    this.#held?.resolve();
    this.#held = undefined;
  }

  /** Refuses connections until `open`. */
  async refuse(): Promise<void> {
    this.injected += 1;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets.values()) socket.destroy();
    await closed;
  }

  /** Listens again on the same port; with another certificate when given. */
  async open(serving: KeyAndCertificate = this.#options.serving): Promise<void> {
    this.#server = this.#createServer(serving);
    await this.#listen(this.#port);
  }

  async close(): Promise<void> {
    this.#held?.resolve();
    const closed = this.#server.listening ? once(this.#server, 'close') : undefined;
    this.#server.close();
    for (const socket of this.#sockets.values()) socket.destroy();
    this.#upstream.destroy();
    await closed;
  }

  #reset(response: ServerResponse): void {
    this.#sockets.get(response.socket?.remotePort ?? 0)?.resetAndDestroy();
  }

  #createServer({ certificatePem, keyPem }: KeyAndCertificate): Server {
    const server = createServer({ cert: certificatePem, key: keyPem, minVersion: 'TLSv1.3' });
    server.on('connection', (socket: Socket) => {
      const port = socket.remotePort ?? 0;
      this.#sockets.set(port, socket);
      socket.on('close', () => this.#sockets.delete(port));
      socket.on('error', () => undefined); // resets are this proxy's trade
    });
    server.on('request', (incoming, response) => {
      this.#serve(incoming, response).catch(() => this.#reset(response));
    });
    return server;
  }

  async #listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', this.url);
    let body = '';
    for await (const chunk of incoming) body += String(chunk);
    const call: ProxiedCall = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      watch: url.searchParams.has('watch'),
      body,
      at: performance.now(),
    };
    if (this.#held) return; // said to nobody, answered by nobody
    if (this.token !== undefined && incoming.headers.authorization !== `Bearer ${this.token}`) {
      this.injected += 1;
      refuseCall(response, { kind: 'answer', status: 401, reason: 'Unauthorized' });
      return;
    }
    const fault = this.decide(call);
    if (fault) this.injected += 1;
    if (fault?.kind === 'answer') refuseCall(response, fault);
    else if (fault?.kind === 'cut') this.#reset(response);
    else await this.#forward(incoming, response, call, fault);
  }

  async #forward(
    incoming: IncomingMessage,
    response: ServerResponse,
    call: ProxiedCall,
    fault: Fault | undefined,
  ): Promise<void> {
    const upstream = new URL(incoming.url ?? '/', this.#options.upstream.server);
    const asking = request(upstream, {
      agent: this.#upstream,
      method: call.method,
      headers: await this.#headers(incoming, call),
    });
    response.on('close', () => asking.destroy()); // a client that leaves is not waited for
    asking.end(call.body);
    asking.on('error', () => undefined); // the wait for its answer has it, or nobody waits any more
    const [answer] = (await once(asking, 'response')) as [IncomingMessage];
    answer.on('error', () => this.#reset(response));
    call.status = answer.statusCode ?? 0;
    if (!call.watch) await this.#answerWhole(answer, response, call, fault);
    else this.#stream(answer, response, call);
    this.onAnswer(call);
  }

  async #headers(incoming: IncomingMessage, call: ProxiedCall): Promise<OutgoingHttpHeaders> {
    const { host: _host, connection: _connection, authorization: _authorization, ...headers } = incoming.headers;
    delete headers['transfer-encoding'];
    const token = await this.#options.upstream.token?.();
    return {
      ...headers,
      ...(call.body === '' ? {} : { 'content-length': Buffer.byteLength(call.body) }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
  }

  async #answerWhole(
    answer: IncomingMessage,
    response: ServerResponse,
    call: ProxiedCall,
    fault: Fault | undefined,
  ): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(Buffer.from(chunk as Uint8Array));
    if (fault?.kind === 'delay') await delay(fault.milliseconds);
    if (this.#held) return;
    if (fault?.kind === 'cutAfter') {
      this.#reset(response);
      return;
    }
    response.writeHead(call.status ?? 0, withoutHopHeaders(answer.headers));
    response.end(Buffer.concat(chunks));
  }

  #stream(answer: IncomingMessage, response: ServerResponse, call: ProxiedCall): void {
    response.writeHead(call.status ?? 0, withoutHopHeaders(answer.headers));
    response.flushHeaders();
    const watch: OpenWatch = { response, call, recent: [] };
    this.#watches.add(watch);
    response.on('close', () => this.#watches.delete(watch));
    let rest = '';
    answer.setEncoding('utf8');
    answer.on('data', (text: string) => {
      if (this.#held || response.writableEnded) return;
      // Whole lines only: an interjection must not fall into one.
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        response.write(`${line}\n`);
        watch.recent.push(`${line}\n`);
        if (watch.recent.length > 5) watch.recent.shift();
      }
    });
    answer.on('end', () => {
      if (!this.#held) response.end(rest);
    });
  }
}

interface OpenWatch {
  response: ServerResponse;
  call: ProxiedCall;
  /** The last few lines. */
  recent: string[];
}

function refuseCall(response: ServerResponse, { status, reason, retryAfterSeconds }: Extract<Fault, { kind: 'answer' }>): void {
  const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(failure(status, reason));
}

/** A Status as a server says it. */
export function failure(code: number, reason: string): string {
  const message = `the fault proxy says ${reason}`;
  return JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code });
}

function withoutHopHeaders(headers: IncomingMessage['headers']): OutgoingHttpHeaders {
  const { connection: _connection, 'transfer-encoding': _encoding, 'keep-alive': _keepAlive, ...rest } = headers;
  return rest;
}
