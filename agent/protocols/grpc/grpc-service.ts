// Open Inference Protocol v2 over gRPC: the calls, answered by the same service as those over HTTP. Loaded with the first connection:
// the library behind it takes 17 MiB.
import {
  Metadata,
  type MethodDefinition,
  Server,
  type ServerUnaryCall,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { carriesToken } from '../../http/bearer-token.ts';
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
import { readInferRequest, writeInferResponse } from './infer-messages.ts';
import { codecOf, type ModelInferRequest, type ModelInferResponse } from './messages.ts';

export interface GrpcServiceDeps {
  logger: Logger;
  routes: Routes;
  service: InferenceService;
  energyOf: (model: ServedModel) => WindowEnergy | undefined;
  maximumRequestBytes: number;
}

const codeOf: Record<InferenceFailure, status> = {
  invalid: status.INVALID_ARGUMENT,
  notFound: status.NOT_FOUND,
  queueFull: status.RESOURCE_EXHAUSTED,
  deadline: status.DEADLINE_EXCEEDED,
  cancelled: status.CANCELLED,
  unavailable: status.UNAVAILABLE,
  failed: status.INTERNAL,
};

type Call = ServerUnaryCall<object, object>;
type Answer<Request, Response> = (request: Request, call: Call) => Response | Promise<Response>;

interface Method {
  path: string;
  request: string;
  response: string;
  answer: Answer<never, object>;
}

interface ModelName {
  name: string;
  version: string;
}

/** @param tokens one of which every call has to carry, but for gRPC's own health check; undefined: none has to */
export function createGrpcServer(deps: GrpcServiceDeps, tokens?: readonly string[]): Server {
  const server = new Server({
    'grpc.max_receive_message_length': deps.maximumRequestBytes,
    'grpc.max_send_message_length': -1,
  });
  const definitions: Record<string, MethodDefinition<object, object>> = {};
  const handlers: Record<string, (call: Call, callback: sendUnaryData<object>) => void> = {};
  for (const method of methodsOf(deps)) {
    definitions[method.path] = definitionOf(method);
    handlers[method.path] = (call, callback) => {
      if (tokens !== undefined && method.path !== healthPath && !carriesToken(authorizationOf(call), tokens)) {
        callback({
          code: status.UNAUTHENTICATED,
          details: 'send the token of --access-token-file as metadata "authorization: Bearer TOKEN"',
        });
        return;
      }
      answerCall(method, call).then(
        (response) => callback(null, response),
        (error: unknown) => callback(statusOf(deps.logger, method, error)),
      );
    };
  }
  server.addService(definitions, handlers);
  return server;
}

function authorizationOf(call: Call): string | undefined {
  return call.metadata.get('authorization').map(String)[0];
}

async function answerCall(method: Method, call: Call): Promise<object> {
  return method.answer(call.request as never, call);
}

function definitionOf({ path, request, response }: Method): MethodDefinition<object, object> {
  const [from, to] = [codecOf<object>(request), codecOf<object>(response)];
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: from.encode,
    requestDeserialize: from.decode,
    responseSerialize: to.encode,
    responseDeserialize: to.decode,
  };
}

const servicePath = '/inference.GRPCInferenceService';
const healthPath = '/grpc.health.v1.Health/Check';
const healthServing = 1;
const healthNotServing = 2;

function methodsOf(deps: GrpcServiceDeps): Method[] {
  const { routes } = deps;
  const versionOf = ({ version }: ModelName) => (version === '' ? undefined : version);
  const of = (name: string, request: string, response: string, answer: Answer<never, object>): Method => ({
    path: `${servicePath}/${name}`,
    request,
    response,
    answer,
  });
  return [
    of('ServerLive', 'Empty', 'LiveResponse', () => ({ live: true })),
    of('ServerReady', 'Empty', 'ReadyResponse', () => ({ ready: namesNotReady(routes).length === 0 })),
    of('ModelReady', 'ModelName', 'ReadyResponse', (model: ModelName) => ({
      ready: whyNotReady(routes, model.name, versionOf(model)) === undefined,
    })),
    of('ServerMetadata', 'Empty', 'ServerMetadataResponse', () => serverMetadata),
    of('ModelMetadata', 'ModelName', 'ModelMetadataResponse', (model: ModelName) =>
      describeModel(routes, model.name, versionOf(model)),
    ),
    of('ModelInfer', 'ModelInferRequest', 'ModelInferResponse', (request: ModelInferRequest, call: Call) =>
      infer(deps, request, call),
    ),
    of('RepositoryIndex', 'RepositoryIndexRequest', 'RepositoryIndexResponse', ({ ready }: { ready: boolean }) => ({
      models: repositoryIndex(routes, ready),
    })),
    of('RepositoryModelLoad', 'RepositoryModelRequest', 'Empty', refuseChange),
    of('RepositoryModelUnload', 'RepositoryModelRequest', 'Empty', refuseChange),
    {
      path: healthPath,
      request: 'HealthCheckRequest',
      response: 'HealthCheckResponse',
      answer: () => ({ status: namesNotReady(routes).length === 0 ? healthServing : healthNotServing }),
    },
  ];
}

function refuseChange({ modelName }: { modelName: string }): never {
  throw refuseRepositoryChange(modelName);
}

async function infer(deps: GrpcServiceDeps, request: ModelInferRequest, call: Call): Promise<ModelInferResponse> {
  const inference = readInferRequest(request);
  const gone = new AbortController();
  call.on('cancelled', () => gone.abort());
  if (call.cancelled) gone.abort();
  const timeoutMicroseconds = soonest(inference.timeoutMicroseconds, microsecondsUntil(call.getDeadline()));
  const answer = await deps.service.infer({
    name: inference.name,
    inputs: inference.inputs,
    outputs: inference.outputs.map((output) => output.name),
    protocol: 'grpc',
    signal: gone.signal,
    ...(inference.version === undefined ? {} : { version: inference.version }),
    ...(timeoutMicroseconds === undefined ? {} : { timeoutMicroseconds }),
  });
  return writeInferResponse(request.id, inference, answer, deps.energyOf(answer.model));
}

/** Undefined for a call without a deadline. */
function microsecondsUntil(deadline: Date | number): number | undefined {
  const at = deadline instanceof Date ? deadline.getTime() : deadline;
  return Number.isFinite(at) ? Math.max(1, (at - Date.now()) * 1000) : undefined;
}

function soonest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

function statusOf(logger: Logger, method: Method, error: unknown): Partial<ServiceError> {
  if (error instanceof InferenceError) {
    const metadata = new Metadata();
    // What gRPC's own retries obey (proposal A6).
    if (error.retryAfterSeconds !== undefined)
      metadata.set('grpc-retry-pushback-ms', String(Math.ceil(error.retryAfterSeconds * 1000)));
    return { code: codeOf[error.kind], details: error.message, metadata };
  }
  logger.error({ err: error, method: method.path }, 'a call failed in the agent itself');
  return { code: status.INTERNAL, details: 'the agent failed; see its log' };
}
