import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  codecOf,
  type InferTensorContents,
  type ModelInferRequest,
  type ModelInferResponse,
} from '../../../agent/protocols/grpc/messages.ts';
import { eventually } from '../../support/eventually.ts';
import { createWorld, type RunningAgent, type World } from './world.ts';

type Request = Record<string, unknown>;

describe('Open Inference Protocol v2 over gRPC', () => {
  let world: World;
  let agent: RunningAgent;
  let client: Client;
  beforeAll(async () => {
    world = await createWorld();
    agent = await world.startAgent({ grpcPort: 0 });
    client = new Client(agent.readiness.grpc ?? '', credentials.createInsecure());
    const slot = await world.slot('classifier.onnx', 'r1', { classLabels: ['a', 'b', 'c'] });
    await world.assign('device-a', 'states', { active: slot });
    await eventually(async () => expect((await ask('ModelReady', { name: 'states' }))['ready']).toBe(true));
  });
  afterAll(async () => {
    client.close();
    await world[Symbol.asyncDispose]();
  });

  const codecs: Record<string, [string, string]> = {
    ServerLive: ['Empty', 'LiveResponse'],
    ServerReady: ['Empty', 'ReadyResponse'],
    ServerMetadata: ['Empty', 'ServerMetadataResponse'],
    ModelReady: ['ModelName', 'ReadyResponse'],
    ModelMetadata: ['ModelName', 'ModelMetadataResponse'],
    RepositoryIndex: ['RepositoryIndexRequest', 'RepositoryIndexResponse'],
    RepositoryModelLoad: ['RepositoryModelRequest', 'Empty'],
  };
  function call<T extends object>(path: string, [from, to]: [string, string], request: Request, timeout?: number): Promise<T> {
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        codecOf<Request>(from).encode,
        codecOf<T>(to).decode,
        request,
        new Metadata(),
        timeout === undefined ? {} : { deadline: Date.now() + timeout },
        (error, answer) => {
          if (error || !answer) reject(error ?? new Error('no answer'));
          else resolve(answer);
        },
      );
    });
  }
  const ask = (method: string, request: Request = {}) =>
    call<Record<string, unknown>>(`/inference.GRPCInferenceService/${method}`, codecs[method] ?? ['Empty', 'Empty'], request);
  const input = (more: Request = {}) => ({
    name: 'x',
    datatype: 'FP32',
    shape: [1, 4],
    contents: { fp32Contents: [1, 2, 3, 4] },
    ...more,
  });
  const infer = (more: Request = {}, timeout?: number) =>
    call<ModelInferResponse>(
      '/inference.GRPCInferenceService/ModelInfer',
      ['ModelInferRequest', 'ModelInferResponse'],
      { modelName: 'states', inputs: [input()], ...more },
      timeout,
    );
  const failure = async (answer: Promise<unknown>) => {
    const error = (await answer.then(
      () => undefined,
      (reason: unknown) => reason,
    )) as ServiceError | undefined;
    return { code: error?.code, details: error?.details };
  };

  it('is live and ready, and says the same of itself as over HTTP', async () => {
    expect(await ask('ServerLive')).toMatchObject({ live: true });
    expect(await ask('ServerReady')).toMatchObject({ ready: true });
    const overHttp = await (await fetch(`${agent.url}/v2`)).json();
    expect({ ...(await ask('ServerMetadata')) }).toEqual(overHttp);
    const health = await call<{ status: number }>(
      '/grpc.health.v1.Health/Check',
      ['HealthCheckRequest', 'HealthCheckResponse'],
      {},
    );
    expect(health.status).toBe(1);
  });

  it('describes the model, and lists its repository', async () => {
    expect(await ask('ModelMetadata', { name: 'states' })).toMatchObject({
      name: 'states',
      versions: ['r1.0.0'],
      platform: 'onnx_onnxv1',
      inputs: [{ name: 'x', datatype: 'FP32' }],
    });
    expect(await ask('RepositoryIndex', { ready: true })).toMatchObject({ models: [{ name: 'states', state: 'READY' }] });
    expect(await failure(ask('RepositoryModelLoad', { modelName: 'states' }))).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('control plane'),
    });
  });

  it('infers from typed contents, echoes the id, and answers the numbers of HTTP', async () => {
    const answer = await infer({ id: 'seven' });
    expect(answer).toMatchObject({ modelName: 'states', modelVersion: 'r1.0.0', id: 'seven' });
    expect(answer.rawOutputContents).toEqual([]);
    const response = await fetch(`${agent.url}/v2/models/states/infer`, {
      method: 'POST',
      body: JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }] }),
    });
    const { outputs } = (await response.json()) as { outputs: [{ data: number[] }] };
    expect(answer.outputs[0]?.contents?.fp32Contents).toEqual(outputs[0].data);
    expect(answer.parameters['latency_ms']?.doubleParam).toBeGreaterThan(0);
  });

  it('answers raw bytes with raw bytes', async () => {
    const raw = Buffer.from(new Float32Array([1, 2, 3, 4]).buffer);
    const { contents: _, ...head } = input();
    const answer = await infer({ inputs: [head], rawInputContents: [raw], modelVersion: 'r1.0.0' });
    expect(answer.rawOutputContents[0]).toHaveLength(12);
    expect(answer.outputs[0]?.contents ?? null).toBeNull();
  });

  it('classifies', async () => {
    const outputs = [{ name: 'probabilities', parameters: { classification: { int64Param: 2 } } }];
    const { outputs: answered } = await infer({ outputs });
    const texts = answered[0]?.contents as Partial<InferTensorContents> | undefined;
    expect((texts?.bytesContents ?? []).map(String)).toEqual([
      expect.stringMatching(/^0\.\d{6}:2:c$/),
      expect.stringMatching(/^0\.\d{6}:1:b$/),
    ]);
  });

  it.each<[string, Partial<Record<keyof ModelInferRequest, unknown>>, number, RegExp]>([
    ['an unknown model', { modelName: 'other' }, status.NOT_FOUND, /no model other/],
    ['an unknown version', { modelVersion: '9' }, status.NOT_FOUND, /no version 9/],
    ['no inputs', { inputs: [] }, status.INVALID_ARGUMENT, /inputs is empty/],
    [
      'a wrong datatype',
      { inputs: [input({ datatype: 'FP64' })] },
      status.INVALID_ARGUMENT,
      /fp64_contents, not in fp32_contents/,
    ],
    ['too few elements', { inputs: [input({ shape: [2, 4] })] }, status.INVALID_ARGUMENT, /4 elements; .* needs 8/],
    ['contents beside raw bytes', { rawInputContents: [Buffer.alloc(16)] }, status.INVALID_ARGUMENT, /only one of the two/],
    [
      'raw bytes too many',
      { rawInputContents: [Buffer.alloc(16), Buffer.alloc(16)] },
      status.INVALID_ARGUMENT,
      /2 entries for 1/,
    ],
    ['an unknown output', { outputs: [{ name: 'logits' }] }, status.INVALID_ARGUMENT, /no output logits/],
    ['a timeout that is none', { parameters: { timeout: { int64Param: 0 } } }, status.INVALID_ARGUMENT, /positive number/],
  ])('refuses %s with a code and a reason', async (_, more, code, message) => {
    expect(await failure(infer(more))).toEqual({ code, details: expect.stringMatching(message) });
  });

  it('counts its requests under its own protocol', async () => {
    const text = await (await fetch(`${agent.url}/metrics`)).text();
    expect(text).toMatch(/jouleops_inference_requests_total\{.*protocol="grpc",code="ok"\} \d/);
    for (const phase of ['queue', 'transfer', 'model'])
      expect(text).toMatch(new RegExp(`jouleops_inference_phase_seconds_total\\{.*phase="${phase}"\\} \\d`));
  });

  it('takes a call that its client cancelled out of the queue, and goes on with the others', async () => {
    await world.assign('device-a', 'slow', { active: await world.slot('loop.onnx', 'r1') });
    await eventually(async () => expect((await ask('ModelReady', { name: 'slow' }))['ready']).toBe(true));
    const inputs = (iterations: number) => [
      { name: 'iterations', datatype: 'INT64', shape: [1], contents: { int64Contents: [iterations] } },
    ];
    const metric = async (name: string, labels = '') => {
      const text = await (await fetch(`${agent.url}/metrics`)).text();
      const line = new RegExp(`^jouleops_${name}\\{[^}]*deployment="slow"[^}]*${labels}[^}]*\\} (\\d+)$`, 'm');
      return Number(line.exec(text)?.[1] ?? 0);
    };
    const running = infer({ modelName: 'slow', inputs: inputs(800_000) });
    await eventually(async () => expect(await metric('inference_queue_length')).toBe(1));
    const request = { modelName: 'slow', inputs: inputs(1) };
    const waiting = Promise.withResolvers<ServiceError | null>();
    const [from, to] = [codecOf<object>('ModelInferRequest'), codecOf<object>('ModelInferResponse')];
    const path = '/inference.GRPCInferenceService/ModelInfer';
    const cancelled = client.makeUnaryRequest(path, from.encode, to.decode, request, waiting.resolve);
    await eventually(async () => expect(await metric('inference_queue_length')).toBe(2));
    cancelled.cancel();
    expect(await waiting.promise).toMatchObject({ code: status.CANCELLED });
    await eventually(async () => expect(await metric('inference_queue_length')).toBe(1));
    await eventually(async () => expect(await metric('inference_requests_total', 'protocol="grpc",code="cancelled"')).toBe(1));
    expect((await running).outputs).toHaveLength(1);
    expect((await infer({ modelName: 'slow', inputs: inputs(1) })).outputs).toHaveLength(1);
  });

  it('gives up at the deadline of the call, and refuses with RESOURCE_EXHAUSTED what no queue holds', async () => {
    await world.assign('device-a', 'slow', { active: await world.slot('loop.onnx', 'r1') });
    await eventually(async () => expect((await ask('ModelReady', { name: 'slow' }))['ready']).toBe(true));
    const inputs = [{ name: 'iterations', datatype: 'INT64', shape: [1], contents: { int64Contents: [300_000] } }];
    const slow = { modelName: 'slow', inputs };
    expect(await failure(infer(slow, 30))).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    const many = await Promise.all(Array.from({ length: 80 }, () => failure(infer(slow, 2000))));
    expect(many.filter(({ code }) => code === status.RESOURCE_EXHAUSTED).length).toBeGreaterThan(0);
  });
});
