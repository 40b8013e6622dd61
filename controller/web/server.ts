// The web port: probes, metrics, and a read-only JSON API over the caches.
import Fastify, { type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { type ApiSources, registerApi } from './api.ts';
import { type HookReceiver, registerGitHooks } from './git-hooks.ts';

export interface WebOptions {
  host: string;
  port: number;
}

export interface WebServer {
  url: string;
  close(): Promise<void>;
}

/** @throws Error that names the port when it is in use. */
export async function startWeb(
  deps: { registry: Registry; sources: ApiSources; receiveHook: HookReceiver; ready: () => boolean; logger: Logger },
  options: WebOptions,
): Promise<WebServer> {
  const app = Fastify({ logger: false, forceCloseConnections: true, requestTimeout: 30_000 });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: `there is nothing at ${request.url.slice(0, 200)}`, next: 'GET /api' }),
  );
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const { statusCode = 500 } = error;
    // A request that is wrong is no fault of ours, and strangers must not fill the log with theirs.
    if (statusCode >= 400 && statusCode < 500)
      return reply.code(statusCode).send({ error: error.message, next: statusCode === 413 ? 'send a smaller body' : 'GET /api' });
    deps.logger.error({ err: error, path: request.url }, 'web request failed');
    return reply.code(500).send({ error: 'the controller could not answer', next: 'look into its log' });
  });
  app.addHook('onSend', async (_request, reply) => {
    reply
      .header('x-content-type-options', 'nosniff')
      .header('cache-control', 'no-store')
      .header('content-security-policy', "default-src 'none'");
  });
  app.get('/livez', () => 'ok');
  app.get('/readyz', (_request, reply) => (deps.ready() ? 'ok' : reply.code(503).send('the caches are not complete yet')));
  app.get('/metrics', async (_request, reply) => reply.type(deps.registry.contentType).send(await deps.registry.metrics()));
  registerApi(app, deps.sources);
  registerGitHooks(app, deps.receiveHook);
  return { url: await listen(app, options), close: () => app.close() };
}

async function listen(app: FastifyInstance, { host, port }: WebOptions): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new Error(`the web port ${host}:${port} is in use: choose another, or 0 for any`, { cause: error });
  }
}
