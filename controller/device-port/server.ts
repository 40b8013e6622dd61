// The device port: TLS with the controller's own CA; joining and artifacts, nothing else.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import { joinPath } from '../../crds/join.ts';
import { toError } from '../../kube/api/api-error.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import { listen } from '../../kube/runtime/listen.ts';
import { openSockets } from '../../kube/runtime/open-sockets.ts';
import type { ArtifactStore } from '../artifacts/store.ts';
import { artifactDigest, sendArtifact } from './artifacts-route.ts';
import { type Caller, callerOf } from './caller.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import { JoinRefused } from './join-refused.ts';

const maximumJoinBytes = 64 * 1024;
/** Signing takes work on the cluster: so many joins at once, the rest is told to come back. */
const maximumConcurrentJoins = 64;

export interface DevicePortDeps {
  clock: Clock;
  logger: Logger;
  artifacts: ArtifactStore;
  authority: CertificateAuthority;
  /** The cluster's client CA bundle, PEM; read again on every certificate renewal. */
  clientAuthority: (signal: AbortSignal) => Promise<string>;
  join: (body: unknown, caller: Caller, signal: AbortSignal) => Promise<unknown>;
}

export interface DevicePort {
  port: number;
  /** Renews the server certificate and the client CA now and then, until the signal ends. */
  run(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Listens at once; `names` go into the certificate. */
export async function startDevicePort(
  deps: DevicePortDeps,
  options: { host: string; port: number; names: readonly string[]; reloadSeconds?: number },
  signal: AbortSignal,
): Promise<DevicePort> {
  const tls = async () => {
    const { chain, key } = await deps.authority.issueServer(options.names);
    return {
      cert: chain,
      key,
      ca: await deps.clientAuthority(signal),
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3' as const,
    };
  };
  const joins = { running: 0 };
  const server = createServer(await tls(), (request, response) => {
    void answer(deps, joins, request, response, signal).catch((error: unknown) => {
      deps.logger.debug({ err: toError(error), path: request.url }, 'device port request ended early');
      response.destroy();
    });
  });
  server.headersTimeout = 15_000;
  // Of the request alone: what is sent back may take hours.
  server.requestTimeout = 30_000;
  const sockets = openSockets(server);
  await listen(server, options, 'the device port');
  const reloadMilliseconds = (options.reloadSeconds ?? 3600) * 1000;
  return {
    port: (server.address() as AddressInfo).port,
    async run(running) {
      // Only an abort ends the sleep by an error.
      while (await deps.clock.sleep(reloadMilliseconds, running).then(always, never)) {
        try {
          server.setSecureContext(await tls());
        } catch (error) {
          deps.logger.warn({ err: toError(error) }, 'the device port keeps its certificate: renewing failed');
        }
      }
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

const always = () => true;
const never = () => false;

async function answer(
  deps: DevicePortDeps,
  joins: { running: number },
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const caller = callerOf(request.socket as TLSSocket);
  if (path === joinPath) return await answerJoin(deps, joins, request, response, caller, signal);
  const digest = artifactDigest(path);
  if (digest === undefined)
    return send(response, 404, {
      error: `there is nothing at ${path.slice(0, 200)}`,
      next: `POST ${joinPath}, or GET /artifacts/sha256/<hex>`,
    });
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return send(response, 405, { error: 'artifacts are read only', next: 'use GET' });
  if (caller.deviceName === undefined)
    return send(response, 401, {
      error: 'artifacts are for devices that joined',
      next: 'show the client certificate of the device',
    });
  await sendArtifact(deps.artifacts, digest, request, response);
}

async function answerJoin(
  deps: DevicePortDeps,
  joins: { running: number },
  request: IncomingMessage,
  response: ServerResponse,
  caller: Caller,
  signal: AbortSignal,
): Promise<void> {
  if (request.method !== 'POST')
    return send(response, 405, { error: 'joining is a POST', reason: 'BadRequest', next: 'use POST' });
  const body = await readJson(request);
  if (body instanceof JoinRefused) return refuse(deps, response, body);
  // Counted once it is here: strangers who send theirs byte by byte must not take the places of those who have sent it.
  if (joins.running >= maximumConcurrentJoins) {
    response.setHeader('retry-after', '2');
    return send(response, 503, {
      error: 'too many devices join at once',
      reason: 'Unavailable',
      next: 'try again in two seconds',
    });
  }
  joins.running++;
  try {
    send(response, 200, await deps.join(body, caller, signal));
  } catch (error) {
    if (error instanceof JoinRefused) return refuse(deps, response, error);
    deps.logger.warn({ err: toError(error) }, 'join failed');
    send(response, 503, {
      error: 'the controller could not complete the join',
      reason: 'Unavailable',
      next: 'try again; the controller\u2019s log has the cause',
    });
  } finally {
    joins.running--;
  }
}

function refuse(deps: DevicePortDeps, response: ServerResponse, refused: JoinRefused): void {
  deps.logger.info({ reason: refused.answer.reason, error: refused.message }, 'join refused');
  send(response, refused.status, refused.answer);
}

/** What is no JSON, or too much of it, is answered so; a caller who goes away meanwhile gets no answer. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > maximumJoinBytes) return badBody(413, `the body has more than ${maximumJoinBytes} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return badBody(400, 'the body is not JSON');
  }
}

function badBody(status: number, error: string): JoinRefused {
  return new JoinRefused(status, { error, reason: 'BadRequest', next: 'send a JSON join request' });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
