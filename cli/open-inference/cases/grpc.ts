import { status } from '@grpc/grpc-js';
import { type ConformanceCase, groupOf } from '../case.ts';
import { expectThat, NotApplicable } from '../deviation.ts';
import { GrpcRefusal, grpcRequest, inferOverGrpc, wholeOf } from '../grpc-server.ts';
import { inferPath, jsonRequest, objectIn, readInference, succeeded } from '../rest-server.ts';
import { sampleTensor } from '../samples.ts';
import { plainModel, requireGrpc, type Target } from '../target.ts';
import { expectSame } from './plain-inference.ts';

type Described = { name: string; datatype: string; shape: Parameters<typeof wholeOf>[0][] };

const call = <T extends object>(target: Target, method: string, codecs: readonly [string, string], request: object = {}) =>
  requireGrpc(target).call<T>(method, codecs, request);

const modelCall = (target: Target, method: 'ModelReady' | 'ModelMetadata', request: object) => {
  const response = method === 'ModelReady' ? 'ReadyResponse' : 'ModelMetadataResponse';
  return call<{ ready: boolean; name: string; platform: string; inputs: Described[]; outputs: Described[] }>(
    target,
    method,
    ['ModelName', response],
    request,
  );
};

/** The same request over HTTP and gRPC gives the same numbers. */
const sameAsHttp =
  (raw: boolean): ConformanceCase['run'] =>
  async (target) => {
    const grpc = requireGrpc(target);
    const model = plainModel(target);
    const overHttp = await target.rest.send(inferPath(model.name), { method: 'POST', body: jsonRequest(model.sample) });
    const { tensors } = await inferOverGrpc(grpc, grpcRequest(model.name, model.sample, raw));
    expectSame(tensors, readInference(overHttp).outputs);
  };

const listed = (tensors: readonly { name: string; datatype: string; shape: readonly unknown[] }[]) =>
  tensors.map(({ name, datatype, shape }) => `${name} ${datatype} [${shape.join(', ')}]`).join('; ');

async function unknownIsNotReady(target: Target, request: object): Promise<void> {
  try {
    const { ready } = await modelCall(target, 'ModelReady', request);
    expectThat(!ready, 'it says that it is ready');
  } catch (error) {
    if (!(error instanceof GrpcRefusal)) throw error;
    expectThat(error.code === status.NOT_FOUND, error.message, 'advised');
  }
}

const concurrentCalls = 16;

export const grpcCases = groupOf('gRPC', 'grpc', [
  [
    'live',
    'required',
    'ServerLive says live',
    async (target) => {
      expectThat((await call<{ live: boolean }>(target, 'ServerLive', ['Empty', 'LiveResponse'])).live, 'live is false');
    },
  ],
  [
    'ready',
    'required',
    'ServerReady says ready',
    async (target) => {
      expectThat((await call<{ ready: boolean }>(target, 'ServerReady', ['Empty', 'ReadyResponse'])).ready, 'ready is false');
    },
  ],
  [
    'server-metadata',
    'required',
    'ServerMetadata says what GET /v2 says',
    async (target) => {
      const here = await call<Record<string, unknown>>(target, 'ServerMetadata', ['Empty', 'ServerMetadataResponse']);
      const there = objectIn(succeeded(await target.rest.send('/v2')));
      for (const field of ['name', 'version', 'extensions'])
        expectThat(
          JSON.stringify(here[field]) === JSON.stringify(there[field]),
          `${field} is ${JSON.stringify(here[field])} here and ${JSON.stringify(there[field])} there`,
        );
    },
  ],
  [
    'model-ready',
    'required',
    'ModelReady says ready',
    async (target) => {
      requireGrpc(target);
      expectThat((await modelCall(target, 'ModelReady', { name: plainModel(target).name })).ready, 'ready is false');
    },
  ],
  [
    'model-metadata',
    'required',
    'ModelMetadata describes the tensors as HTTP does',
    async (target) => {
      requireGrpc(target);
      const model = plainModel(target);
      const described = await modelCall(target, 'ModelMetadata', { name: model.name });
      const here = (tensors: Described[]) =>
        listed(tensors.map((tensor) => ({ ...tensor, shape: tensor.shape.map((size) => Number(wholeOf(size))) })));
      expectThat(described.name === model.name, `it names ${described.name}`);
      expectThat(
        here(described.inputs) === listed(model.inputs),
        `inputs are ${here(described.inputs)}, not ${listed(model.inputs)}`,
      );
      expectThat(
        here(described.outputs) === listed(model.outputs),
        `outputs are ${here(described.outputs)}, not ${listed(model.outputs)}`,
      );
    },
  ],
  ['typed', 'required', 'typed contents give the values of HTTP', sameAsHttp(false)],
  ['raw', 'required', 'raw contents give the values of HTTP', sameAsHttp(true)],
  [
    'raw-answer',
    'advised',
    'a raw request is answered raw, a typed one in typed contents',
    async (target) => {
      const grpc = requireGrpc(target);
      const model = plainModel(target);
      for (const raw of [true, false]) {
        const answer = await inferOverGrpc(grpc, grpcRequest(model.name, model.sample, raw));
        expectThat(answer.raw === raw, `a ${raw ? 'raw' : 'typed'} request is answered ${answer.raw ? 'raw' : 'typed'}`);
      }
    },
  ],
  [
    'name-and-id',
    'required',
    'an answer names the model and gives the id back',
    async (target) => {
      const grpc = requireGrpc(target);
      const model = plainModel(target);
      const answer = await inferOverGrpc(grpc, { ...grpcRequest(model.name, model.sample, false), id: 'größe-7' });
      expectThat(
        answer.modelName === model.name && answer.id === 'größe-7',
        `they are ${answer.modelName} and ${JSON.stringify(answer.id)}`,
      );
    },
  ],
  [
    'version',
    'required',
    'a version that is listed answers',
    async (target) => {
      const grpc = requireGrpc(target);
      const model = plainModel(target);
      if (model.version === undefined) throw new NotApplicable('the model lists no version');
      const answer = await inferOverGrpc(grpc, { ...grpcRequest(model.name, model.sample, false), modelVersion: model.version });
      expectThat(answer.modelVersion === '' || answer.modelVersion === model.version, `it says version ${answer.modelVersion}`);
    },
  ],
  [
    'named-output',
    'required',
    'only the outputs that are named come back',
    async (target) => {
      const grpc = requireGrpc(target);
      const model = target.models.find(
        ({ inputs, outputs }) => outputs.length > 1 && inputs.every(({ datatype }) => datatype !== 'FP16'),
      );
      if (!model) throw new NotApplicable('no model under test has several outputs');
      const name = model.outputs[0]?.name;
      const { tensors } = await inferOverGrpc(grpc, { ...grpcRequest(model.name, model.sample, true), outputs: [{ name }] });
      expectThat(
        tensors.length === 1 && tensors[0]?.name === name,
        () => `they are ${tensors.map((tensor) => tensor.name).join(', ')}`,
      );
    },
  ],
  [
    'together',
    'required',
    `${concurrentCalls} calls at once get their own answers`,
    async (target) => {
      const grpc = requireGrpc(target);
      const model = plainModel(target);
      const requests = Array.from({ length: concurrentCalls }, (_, index) => {
        const inputs = model.inputs.map((input, at) =>
          sampleTensor(input, index, model.sample[at]?.shape[input.shape.indexOf(-1)] ?? 1),
        );
        return { ...grpcRequest(model.name, inputs, true), id: `call-${index}` };
      });
      const answers = await Promise.all(requests.map((request) => inferOverGrpc(grpc, request)));
      for (const [index, request] of requests.entries()) {
        const alone = await inferOverGrpc(grpc, request);
        const answer = answers[index];
        expectThat(answer?.id === request.id, `${request.id} got the answer of ${answer?.id}`);
        expectSame(answer.tensors, alone.tensors);
      }
    },
  ],
  [
    'unknown-model',
    'required',
    'an unknown model is not ready',
    async (target) => {
      requireGrpc(target);
      await unknownIsNotReady(target, { name: 'no-such-model' });
    },
  ],
  [
    'health',
    'advised',
    'grpc.health.v1.Health/Check says SERVING',
    async (target) => {
      const health = await call<{ status: number }>(target, '/grpc.health.v1.Health/Check', [
        'HealthCheckRequest',
        'HealthCheckResponse',
      ]);
      expectThat(health.status === 1, `its status is ${health.status}`);
    },
  ],
]);
