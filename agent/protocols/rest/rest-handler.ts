// Open Inference Protocol v2 over HTTP: what is asked, and by which of the pieces beside this file it is answered.
import type { ServerResponse } from 'node:http';
import { productVersion } from '../../../crds/product-version.ts';
import { type Exchange, type Handler, sendJson } from '../../http/http-server.ts';
import { BodyError, readBody } from '../../http/request-body.ts';
import { InferenceError, type InferenceFailure } from '../../inference/errors.ts';
import type { InferenceService } from '../../serving/inference-service.ts';
import type { Route, Routes } from '../../serving/routes.ts';
import type { ServedModel } from '../../serving/served-model.ts';
import { parseInferRequest } from './infer-request.ts';
import { encodeAnswer, type WindowEnergy } from './infer-response.ts';
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
      const below = path === '/v2/models' ? '' : path.startsWith('/v2/models/') ? path.slice('/v2/models/'.length) : undefined;
      const parsed = below === undefined ? undefined : parseModelPath(below);
      if (!parsed) return sendJson(response, 404, { error: `nothing is served at ${path}` });
      return allow(exchange, parsed.kind === 'infer' ? 'POST' : 'GET', () => answerModel(deps, exchange, parsed));
    }
  }
}

const serverMetadata = {
  name: 'jouleops',
  version: productVersion,
  extensions: ['binary_tensor_data', 'classification', 'model_repository'],
};

function allow(exchange: Exchange, method: string, run: () => void | Promise<void>): void | Promise<void> {
  if (exchange.method === method || (method === 'GET' && exchange.method === 'HEAD')) return run();
  sendJson(exchange.response, 405, { error: `${exchange.path} takes ${method}, not ${exchange.method}` }, { allow: method });
}

function answerModel(deps: Deps, exchange: Exchange, path: ModelPath): void | Promise<void> {
  const { routes } = deps;
  const { response } = exchange;
  switch (path.kind) {
    case 'list':
      return sendJson(response, 200, { models: routes.list().flatMap((route) => entriesOf(routes, route)) });
    case 'infer':
      return infer(deps, exchange, path.name, path.version);
    case 'ready': {
      const model = modelOf(routes, path.name, path.version);
      const ready = model?.model.ready ?? false;
      const why = ready
        ? {}
        : { error: `model ${path.name} is not ready: ${routes.find(path.name).reason ?? 'it is being started again'}` };
      return sendJson(response, ready ? 200 : 503, { name: path.name, ready, ...why });
    }
    case 'metadata': {
      const model = modelOf(routes, path.name, path.version);
      const route = routes.find(path.name);
      if (!model)
        throw new InferenceError('unavailable', `model ${path.name} is not loaded: ${route.reason ?? 'it is on its way'}`);
      return sendJson(response, 200, metadata(path.name, route, model));
    }
  }
}

/** @throws InferenceError notFound; undefined when the model exists and nothing of it is loaded. */
function modelOf(routes: Routes, name: string, version: string | undefined): ServedModel | undefined {
  if (version !== undefined) return routes.resolve(name, version).model;
  const route = routes.find(name);
  return route.active ?? route.candidate;
}

function metadata(name: string, route: Route, { model, slot }: ServedModel) {
  const versions = [route.active, route.candidate].flatMap((served) => (served ? [served.slot.modelVersion] : []));
  return {
    name,
    versions: [...new Set(versions)],
    platform: 'onnxruntime_onnx',
    inputs: model.inputs,
    outputs: model.outputs,
    ...(slot.classLabels === undefined ? {} : { classLabels: slot.classLabels }),
  };
}

function entriesOf(routes: Routes, route: Route): { name: string; version: string; state: string; reason: string }[] {
  const name = routes.nameOf(route);
  const slots = [route.active, route.candidate].filter((served) => served !== undefined);
  if (slots.length === 0) return [{ name, version: '', state: 'UNAVAILABLE', reason: route.reason ?? '' }];
  return slots.map((served) => ({
    name,
    version: served.slot.modelVersion,
    state: served.model.ready ? 'READY' : 'UNAVAILABLE',
    reason: served.model.ready ? '' : (served.model.restarts.reason ?? ''),
  }));
}

function sendReady({ routes }: Deps, response: ServerResponse): void {
  const waiting = routes.list().filter((route) => !route.active?.model.ready && !route.candidate?.model.ready);
  const names = waiting.map((route) => routes.nameOf(route)).join(', ');
  if (waiting.length === 0) sendJson(response, 200, { ready: true });
  else sendJson(response, 503, { ready: false, error: `not ready: ${names}` });
}

async function sendIndex({ routes, maximumRequestBytes }: Deps, { request, response }: Exchange): Promise<void> {
  const body = await readBody(request, maximumRequestBytes);
  const filter = body.length === 0 ? {} : (parseJson(body) as { ready?: boolean });
  const entries = routes.list().flatMap((route) => entriesOf(routes, route));
  sendJson(response, 200, filter.ready === true ? entries.filter((entry) => entry.state === 'READY') : entries);
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
