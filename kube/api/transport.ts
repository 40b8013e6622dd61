// One undici Agent for one API server: keep-alive, credentials and their rotation, retries. Knows HTTP, not Kubernetes kinds.
import { Agent, type Dispatcher } from 'undici';
import type { Clock } from '../runtime/clock.ts';
import { ApiError, ConnectionError, isUnauthorized, parseApiError, toError } from './api-error.ts';
import type { Connection } from './connection.ts';
import { retryDelaySeconds } from './retry-policy.ts';

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string>;
  body?: unknown;
  contentType?: string;
  signal: AbortSignal;
  idempotent: boolean;
  asUser?: string | undefined;
  /** false where the caller has its own back-off (watches). */
  retry?: boolean;
  /** 0 = none: a watch has its own deadline. */
  bodyTimeoutMilliseconds?: number;
}

export interface TransportOptions {
  userAgent: string;
  clock: Clock;
  /** How long a connection without a call is kept. */
  idleSeconds?: number;
  onCall?: (call: { method: string; path: string; status: number; seconds: number }) => void;
}

type Answer = Dispatcher.ResponseData;

/** The server gives up after 60 s by itself; past that nobody is at the other end. */
const answerTimeoutMilliseconds = 65_000;
/** Above the 60 s between heartbeats, so they share one connection, below the 90 s after which kube-apiserver closes it. */
const defaultIdleSeconds = 75;
/** A token that has just been issued can be unknown to one of several API servers for a moment. */
const refreshMilliseconds = 100;
const tlsFailure = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|EPROTO)/;

export class Transport {
  #connection: Connection;
  #agent: Agent;
  #address: Address;
  readonly #options: TransportOptions;
  readonly #retired: Agent[] = [];

  constructor(connection: Connection, options: TransportOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#address = parseServer(connection.server);
    this.#agent = createAgent(connection, options.idleSeconds);
  }

  get server(): string {
    return this.#connection.server;
  }

  /** Answers only successes; the body is still to be read. Throws ApiError, ConnectionError, or the signal's reason. */
  async send(call: Call): Promise<Answer> {
    let refreshed = false;
    for (let count = 1; ; count++) {
      try {
        return await this.#attempt(call);
      } catch (error) {
        call.signal.throwIfAborted();
        if (!refreshed && (isUnauthorized(error) || isTlsFailure(error))) {
          refreshed = true;
          await this.#options.clock.sleep(refreshMilliseconds, call.signal);
          await this.#refresh();
          continue;
        }
        const wait =
          call.retry === false
            ? undefined
            : retryDelaySeconds(error, {
                count,
                idempotent: call.idempotent,
                read: call.method === 'GET',
                random: Math.random(),
              });
        if (wait === undefined) throw error;
        await this.#options.clock.sleep(wait * 1000, call.signal);
      }
    }
  }

  /** Ends open watches too: they have no end of their own to wait for. */
  async close(): Promise<void> {
    await Promise.all([this.#agent, ...this.#retired].map((agent) => agent.destroy()));
  }

  async #attempt(call: Call): Promise<Answer> {
    const { clock, onCall } = this.#options;
    const started = clock.monotonic();
    const report = (status: number) =>
      onCall?.({ method: call.method, path: call.path, status, seconds: (clock.monotonic() - started) / 1000 });
    let answer: Answer;
    try {
      answer = await this.#agent.request({
        origin: this.#address.origin,
        path: this.#address.prefix + call.path + formatQuery(call.query),
        method: call.method,
        headers: await this.#headers(call),
        body: call.body === undefined ? null : JSON.stringify(call.body),
        signal: call.signal,
        headersTimeout: answerTimeoutMilliseconds,
        bodyTimeout: call.bodyTimeoutMilliseconds ?? answerTimeoutMilliseconds,
      });
    } catch (error) {
      call.signal.throwIfAborted();
      report(0);
      throw connectionError(call, this.#connection.server, error);
    }
    report(answer.statusCode);
    if (answer.statusCode >= 200 && answer.statusCode < 300) return answer;
    const retryAfter = answer.headers['retry-after'];
    throw parseApiError(`${call.method} ${call.path}`, {
      status: answer.statusCode,
      body: await this.text(call, answer),
      now: clock.now(),
      ...(typeof retryAfter === 'string' ? { retryAfter } : {}),
    });
  }

  /** The whole body; a connection lost in the middle is a ConnectionError. */
  async text(call: Call, answer: Answer): Promise<string> {
    try {
      return await answer.body.text();
    } catch (error) {
      call.signal.throwIfAborted();
      throw connectionError(call, this.#connection.server, error);
    }
  }

  async #headers(call: Call): Promise<Record<string, string>> {
    const token = await this.#connection.token?.();
    return {
      accept: 'application/json',
      'user-agent': this.#options.userAgent,
      ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(call.asUser === undefined ? {} : { 'impersonate-user': call.asUser }),
    };
  }

  async #refresh(): Promise<void> {
    if (!this.#connection.refresh) return;
    const next = await this.#connection.refresh();
    const before = this.#connection;
    this.#connection = next;
    this.#address = parseServer(next.server);
    if (tlsIdentity(before) === tlsIdentity(next)) return;
    // The agent captured the old certificates; calls under way on it may end in peace.
    const old = this.#agent;
    this.#agent = createAgent(next, this.#options.idleSeconds);
    this.#retired.push(old);
    void old.close().then(
      () => this.#retired.splice(this.#retired.indexOf(old), 1),
      () => undefined,
    );
  }
}

function createAgent(connection: Connection, idleSeconds = defaultIdleSeconds): Agent {
  return new Agent({
    allowH2: false, // one HTTP/1.1 connection for each watch; HTTP/2 leaked memory in others' long soaks
    pipelining: 1,
    keepAliveTimeout: idleSeconds * 1000,
    keepAliveMaxTimeout: idleSeconds * 1000,
    connect: {
      timeout: 10_000,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
      rejectUnauthorized: connection.insecureSkipTlsVerify !== true,
      ...(connection.certificateAuthority === undefined ? {} : { ca: connection.certificateAuthority }),
      ...(connection.clientCertificate === undefined ? {} : { cert: connection.clientCertificate }),
      ...(connection.clientKey === undefined ? {} : { key: connection.clientKey }),
      ...(connection.serverName === undefined ? {} : { servername: connection.serverName }),
    },
  });
}

function tlsIdentity(connection: Connection): string {
  const { certificateAuthority, clientCertificate, clientKey, insecureSkipTlsVerify, serverName } = connection;
  return JSON.stringify([certificateAuthority, clientCertificate, clientKey, insecureSkipTlsVerify, serverName]);
}

interface Address {
  origin: string;
  /** `` or `/k8s/clusters/a`, where a proxy serves several clusters. */
  prefix: string;
}

function parseServer(server: string): Address {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw new Error(`API server address ${JSON.stringify(server)} is not an http(s) URL; write it like https://127.0.0.1:6443`);
  }
  return { origin: url.origin, prefix: url.pathname.replace(/\/+$/, '') };
}

function formatQuery(query: Record<string, string> | undefined): string {
  const text = new URLSearchParams(query).toString();
  return text === '' ? '' : `?${text}`;
}

export function connectionError(call: Pick<Call, 'method' | 'path'>, server: string, thrown: unknown): Error {
  if (thrown instanceof ApiError || thrown instanceof ConnectionError) return thrown;
  const error = toError(thrown);
  const code = codeOf(error);
  if (code === undefined) return error;
  const hint = tlsFailure.test(code) ? '; check the certificate authority and client certificate' : '';
  return new ConnectionError(
    code,
    `${call.method} ${call.path}: no answer from ${server} (${code}: ${error.message})${hint}`,
    error,
  );
}

function codeOf(error: Error): string | undefined {
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause instanceof Error ? codeOf(error.cause) : undefined;
}

function isTlsFailure(error: unknown): boolean {
  return error instanceof ConnectionError && tlsFailure.test(error.code);
}
