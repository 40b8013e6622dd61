// Open Inference Protocol v2 over HTTP: what is asked, and by which of the pieces beside this file it is answered.
import type { ServerResponse } from 'node:http';
import { type Exchange, type Handler, sendJson } from '../../http/http-server.ts';
import { BodyError, readBody } from '../../http/request-body.ts';
import { InferenceError, type InferenceFailure } from '../../inference/errors.ts';
import type { InferenceService } from '../../serving/inference-service.ts';
import type { Routes } from '../../serving/routes.ts';
import type { ServedModel } from '../../serving/served-model.ts';
import type { WindowEnergy } from '../answer-parameters.ts';
import {
  describeModel,
  namesNotReady,
  refuseRepositoryChange,
  repositoryIndex,
  serverMetadata,
  whyNotReady,
} from '../model-description.ts';
import { parseInferRequest } from './infer-request.ts';
import { encodeAnswer } from './infer-response.ts';
import { type ModelPath, parseModelPath } from './model-path.ts';

interface Deps {
  routes: Routes;
  service: InferenceService;
  energyOf: (model: ServedModel) => WindowEnergy | undefined;
  maximumRequestBytes: number;
}

const statusOf: Record<InferenceFailure, number> = {
  invalid: 400,
  notFound: 404,
  queueFull: 429,
  deadline: 503,
  cancelled: 503,
  unavailable: 503,
  failed: 500,
};

export function createRestHandler(deps: Deps): Handler {
  return async (exchange) => {
    if (exchange.path !== '/v2' && !exchange.path.startsWith('/v2/')) return false;
    try {
      await answer(deps, exchange);
    } catch (error) {
      sendError(exchange.response, error);
    }
    return true;
  };
}

async function answer(deps: Deps, exchange: Exchange): Promise<void> {
  const { path, response } = exchange;
  switch (path) {
    case '/v2':
      return allow(exchange, 'GET', () => sendJson(response, 200, serverMetadata));
    case '/v2/health/live':
      return allow(exchange, 'GET', () => sendJson(response, 200, { live: true }));
    case '/v2/health/ready':
      return allow(exchange, 'GET', () => sendReady(deps, response));
    case '/v2/repository/index':
      return allow(exchange, 'POST', () => sendIndex(deps, exchange));
    default: {
      const change = /^\/v2\/repository\/models\/(.+)\/(?:load|unload)$/.exec(path)?.[1];
      if (change !== undefined) return allow(exchange, 'POST', () => Promise.reject(refuseRepositoryChange(change)));
      const below = path === '/v2/models' ? '' : path.startsWith('/v2/models/') ? path.slice('/v2/models/'.length) : undefined;
      const parsed = below === undefined ? undefined : parseModelPath(below);
      if (!parsed) return sendJson(response, 404, { error: `nothing is served at ${path}` });
      return allow(exchange, parsed.kind === 'infer' ? 'POST' : 'GET', () => answerModel(deps, exchange, parsed));
    }
  }
}

function allow(exchange: Exchange, method: string, run: () => void | Promise<void>): void | Promise<void> {
  if (exchange.method === method || (method === 'GET' && exchange.method === 'HEAD')) return run();
  sendJson(exchange.response, 405, { error: `${exchange.path} takes ${method}, not ${exchange.method}` }, { allow: method });
}

function answerModel(deps: Deps, exchange: Exchange, path: ModelPath): void | Promise<void> {
  const { routes } = deps;
  const { response } = exchange;
  switch (path.kind) {
    case 'list':
      return sendJson(response, 200, { models: repositoryIndex(routes, false) });
    case 'infer':
      return infer(deps, exchange, path.name, path.version);
    case 'ready': {
      const error = whyNotReady(routes, path.name, path.version);
      const ready = error === undefined;
      return sendJson(response, ready ? 200 : 503, { name: path.name, ready, ...(ready ? {} : { error }) });
    }
    case 'metadata':
      return sendJson(response, 200, describeModel(routes, path.name, path.version));
  }
}

function sendReady({ routes }: Deps, response: ServerResponse): void {
  const waiting = namesNotReady(routes);
  if (waiting.length === 0) sendJson(response, 200, { ready: true });
  else sendJson(response, 503, { ready: false, error: `not ready: ${waiting.join(', ')}` });
}

async function sendIndex({ routes, maximumRequestBytes }: Deps, { request, response }: Exchange): Promise<void> {
  const body = await readBody(request, maximumRequestBytes);
  const filter = body.length === 0 ? {} : (parseJson(body) as { ready?: boolean });
  sendJson(response, 200, repositoryIndex(routes, filter.ready === true));
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) ?? {};
  } catch (error) {
    throw new InferenceError('invalid', `the body is not JSON: ${(error as Error).message}`);
  }
}

async function infer(deps: Deps, { request, response }: Exchange, name: string, version: string | undefined): Promise<void> {
  const gone = new AbortController();
  const onClose = () => gone.abort();
  response.on('close', onClose);
  try {
    const body = await readBody(request, deps.maximumRequestBytes);
    const parsed = parseInferRequest(body, request.headers);
    const answered = await deps.service.infer({
      name,
      inputs: parsed.inputs,
      outputs: parsed.outputs.map((output) => output.name),
      protocol: 'http',
      signal: gone.signal,
      ...(version === undefined ? {} : { version }),
      ...(parsed.timeoutMicroseconds === undefined ? {} : { timeoutMicroseconds: parsed.timeoutMicroseconds }),
    });
    const encoded = encodeAnswer(parsed, answered, deps.energyOf(answered.model));
    const type = encoded.headerLength === undefined ? 'application/json' : 'application/octet-stream';
    response.writeHead(200, {
      'content-type': type,
      'content-length': encoded.body.length,
      ...(encoded.headerLength === undefined ? {} : { 'inference-header-content-length': encoded.headerLength }),
    });
    response.end(encoded.body);
  } finally {
    response.off('close', onClose);
  }
}

function sendError(response: ServerResponse, error: unknown): void {
  if (response.destroyed) return;
  if (error instanceof BodyError) {
    sendJson(response, error.status, { error: error.message }, { connection: 'close' });
    return;
  }
  if (!(error instanceof InferenceError)) throw error;
  const retry = error.retryAfterSeconds === undefined ? {} : { 'retry-after': String(error.retryAfterSeconds) };
  sendJson(response, statusOf[error.kind], { error: error.message }, retry);
}
