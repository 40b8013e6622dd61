// Models that another server runs: a second agent as the upstream, and a server that fails in every way an upstream can.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createUpstreamEngine } from '../../../agent/engines/upstream/upstream-engine.ts';
import { upstreamDefaults } from '../../../agent/engines/upstream/upstream-limits.ts';
import type { EngineModel } from '../../../agent/inference/engine.ts';
import { runSuite } from '../../../cli/open-inference/suite.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';
import { assignAll } from '../../bench/harness/real-agent.ts';
import { eventually } from '../../support/eventually.ts';
import { echoModel } from '../../support/open-inference/echo-model.ts';
import { classify, createWorld, fixtures, type RunningAgent, type World } from './world.ts';

const runtime = { engine: 'OpenInferenceUpstream', upstreamName: 'beside' } as const;
const readyAt = (url: string, model: string) => fetch(`${url}/v2/models/${model}/ready`).then(({ status }) => status);

describe('a model on an upstream', () => {
  let world: World;
  let upstream: RunningAgent;
  let agent: RunningAgent;
  const names = ['model-states', 'model-echo', 'model-half'];
  beforeAll(async () => {
    world = await createWorld();
    upstream = await world.startAgent({ name: 'device-b' });
    const files: Record<string, string> = { 'model-states': path.join(fixtures, 'classifier.onnx') };
    for (const [name, half] of [
      ['model-echo', false],
      ['model-half', true],
    ] as const) {
      files[name] = path.join(world.directory, `${name}.onnx`);
      await writeFile(files[name], echoModel(half));
    }
    agent = await world.startAgent({ name: 'device-a', upstreams: [{ name: 'beside', url: upstream.url }] });
    const slots = await Promise.all(
      names.map(async (name) => [name, await world.slot(files[name] ?? '', 'r1', { modelVersionName: name })] as const),
    );
    for (const [name, slot] of slots) await world.assign('device-b', name, { active: slot });
    await assignAll(world, 'device-b', names);
    for (const name of names) await eventually(async () => expect(await readyAt(upstream.url, name)).toBe(200));
    const forwarded = names.map((name) => `${name}-forwarded`);
    for (const [name, slot] of slots)
      await world.assign('device-a', `${name}-forwarded`, { active: { ...slot, runtime, classLabels: ['a', 'b', 'c'] } });
    await assignAll(world, 'device-a', forwarded);
    for (const name of forwarded) await eventually(async () => expect(await readyAt(agent.url, name)).toBe(200), 30);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it('answers what the upstream answers', async () => {
    const [there, here] = [await classify(upstream.url, 'model-states'), await classify(agent.url, 'model-states-forwarded')];
    expect(here.status).toBe(200);
    expect(here.body['outputs']).toEqual(there.body['outputs']);
    expect(here.body['parameters']).toMatchObject({ model_ms: expect.any(Number) as number });
    const instance = await eventually(async () => {
      const found = await world.instance('model-states-forwarded');
      expect(found.status?.revisions?.[0]?.executionProviders).toEqual(['upstream:beside']);
      return found;
    });
    expect(findCondition(instance.status?.conditions, 'Serving')).toMatchObject({ status: 'True' });
  });

  it('passes the conformance suite, every datatype included', async () => {
    const suite = { url: agent.url, models: [], mayUnload: false, timeoutMilliseconds: 30_000 };
    const { results, models } = await runSuite(suite, AbortSignal.timeout(60_000));
    expect(models).toHaveLength(3);
    expect(results.filter(({ outcome }) => outcome === 'failed' || outcome === 'advice')).toEqual([]);
    expect(results.filter(({ id, outcome }) => /^(json|binary)\./.test(id) && outcome !== 'passed')).toEqual([]);
  });

  it('is not ready while the upstream is gone, and serves again when it is back', async () => {
    const port = Number(new URL(upstream.url).port);
    await upstream.stop();
    await eventually(async () => {
      const { status, body } = await classify(agent.url, 'model-states-forwarded');
      expect(status).toBe(503);
      expect(body['error']).toContain('upstream beside');
    });
    await eventually(async () => expect(await readyAt(agent.url, 'model-states-forwarded')).toBe(503), 20);
    upstream = await world.startAgent({ name: 'device-b', port });
    await eventually(async () => expect(await readyAt(agent.url, 'model-states-forwarded')).toBe(200), 40);
    expect((await classify(agent.url, 'model-states-forwarded')).status).toBe(200);
  });

  it('says why it cannot be loaded where there is no such upstream', async () => {
    const slot = await world.slot('classifier.onnx', 'r2', { runtime: { ...runtime, upstreamName: 'elsewhere' } });
    await world.assign('device-a', 'lost', { active: slot });
    await eventually(async () => {
      const { status } = await world.instance('lost');
      expect(findCondition(status?.conditions, 'Loaded')?.message).toContain('start its agent with --upstream elsewhere=URL');
    });
  });
});

describe('an upstream that keeps models in a directory', () => {
  type Answer = (request: IncomingMessage, response: ServerResponse, path: string) => boolean;
  const logger = pino({ level: 'silent' });
  const never = new AbortController().signal;
  let directory: string;
  let url: string;
  let close: () => Promise<void>;
  let calls: string[];
  let loaded: Set<string>;
  let infer: Answer;
  let datatype: string;
  const models: EngineModel[] = [];
  const json = (response: ServerResponse, status: number, body: unknown, headers = {}) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
    return true;
  };
  const outputs = [{ name: 'y', datatype: 'FP32', shape: [1], data: [0.5] }];

  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-upstream-'));
    calls = [];
    loaded = new Set();
    datatype = 'FP32';
    infer = (_, response) => json(response, 200, { model_name: 'm', outputs });
    const server = createServer((request, response) => {
      request.resume();
      const [, name = '', verb = ''] =
        /^\/v2\/(?:repository\/)?models\/([^/]+)(?:\/versions\/\d+)?(?:\/(\w+))?$/.exec(request.url ?? '') ?? [];
      if (name === '') json(response, 200, { name: 'shelf', version: '9', extensions: [] });
      else if (verb === 'infer') infer(request, response, name);
      else answerModel(response, name, verb);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    close = () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
  });
  afterEach(async () => {
    await Promise.all(models.splice(0).map((model) => model.close()));
    await close();
    await rm(directory, { recursive: true, force: true });
  });

  function answerModel(response: ServerResponse, name: string, verb: string): void {
    if (verb === 'load' || verb === 'unload') {
      calls.push(`${verb} ${name}`);
      if (verb === 'load') loaded.add(name);
      else loaded.delete(name);
      json(response, 200, {});
    } else if (verb === 'ready') json(response, loaded.has(name) ? 200 : 400, {});
    else {
      const tensors = { inputs: [{ name: 'x', datatype, shape: [1] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [1] }] };
      json(response, 200, { name, platform: 'shelf', versions: ['1'], ...tensors });
    }
  }

  const limits = { ...upstreamDefaults, runTimeoutSeconds: 0.5, healthSeconds: 0.1, atOnce: 1, queueCapacity: 1 };
  async function load(more: { repository?: string } = { repository: directory }): Promise<EngineModel> {
    const engine = createUpstreamEngine([{ name: 'beside', url, ...more }], { clock: systemClock, logger }, limits);
    const model = await engine.load(
      {
        name: 'factory/m@r1',
        file: path.join(fixtures, 'classifier.onnx'),
        digest: `sha256:${'ab'.repeat(32)}`,
        modelName: 'm-1',
        modelVersion: '1',
        threads: 1,
        executionProviders: ['cpu'],
        upstreamName: 'beside',
      },
      never,
    );
    models.push(model);
    return model;
  }
  const request = (more = {}) => ({
    inputs: [{ name: 'x', datatype: 'FP32' as const, shape: [1], data: new Uint8Array(4) }],
    outputs: [],
    ...more,
  });

  it('is given the model’s bytes, told to load it, and told to unload it at the end', async () => {
    const model = await load();
    const name = 'm-1-abababababab';
    expect(calls).toEqual([`load ${name}`]);
    const placed = await readFile(path.join(directory, name, '1', 'model.onnx'));
    expect(placed.equals(await readFile(path.join(fixtures, 'classifier.onnx')))).toBe(true);
    expect((await model.infer(request())).outputs[0]).toMatchObject({ name: 'y', shape: [1] });
    await model.close();
    expect(calls).toEqual([`load ${name}`, `unload ${name}`]);
    expect(await readdir(directory)).toEqual([]);
  });

  it('is told to load it again when it has come back without it', async () => {
    const model = await load();
    loaded.clear();
    await eventually(async () => expect(calls.filter((call) => call.startsWith('load'))).toHaveLength(2));
    await eventually(async () => expect(model.ready).toBe(true));
    expect((await model.infer(request())).outputs).toHaveLength(1);
  });

  it('is left alone with a model that was there before', async () => {
    loaded.add('m-1');
    const model = await load({});
    await model.close();
    expect(calls).toEqual([]);
  });

  it('cannot serve a datatype that is not carried here', async () => {
    datatype = 'BF16';
    await expect(load()).rejects.toMatchObject({
      reason: 'UnsupportedModel',
      message: expect.stringContaining('x is BF16') as string,
    });
  });

  it('says that it cannot be reached', async () => {
    await close();
    await expect(load()).rejects.toMatchObject({
      reason: 'LoadFailed',
      message: expect.stringContaining('see that it runs') as string,
    });
  });

  it.each<[string, number, unknown, string]>([
    ['the client’s mistake', 422, { detail: 'no such thing' }, 'invalid'],
    ['a full queue', 429, { error: 'later' }, 'queueFull'],
    ['a model that is gone', 404, { error: 'unknown' }, 'unavailable'],
    ['its own fault', 500, { error: 'crash' }, 'failed'],
    ['an answer without outputs', 200, { model_name: 'm' }, 'failed'],
    ['an output that is none', 200, { outputs: [{ name: 'y', datatype: 'FP32', shape: [2], data: [1] }] }, 'failed'],
  ])('passes on %s (%i) as what it is', async (_, status, body, kind) => {
    const model = await load();
    infer = (__, response) => json(response, status, body, status === 429 ? { 'retry-after': '7' } : {});
    await expect(model.infer(request())).rejects.toMatchObject({ kind, ...(status === 429 ? { retryAfterSeconds: 7 } : {}) });
  });

  it('is not waited for beyond a deadline, a cancellation or the limit of a run, and keeps only so many waiting', async () => {
    const model = await load();
    let ended = 0;
    infer = (asked) => {
      asked.socket.once('close', () => ended++);
      return true;
    };
    await expect(model.infer(request({ deadline: systemClock.monotonic() + 50 }))).rejects.toMatchObject({ kind: 'deadline' });
    const gone = new AbortController();
    const cancelled = model.infer(request({ signal: gone.signal }));
    setImmediate(() => gone.abort());
    await expect(cancelled).rejects.toMatchObject({ kind: 'cancelled' });
    const [running, waiting, refused] = await Promise.allSettled([1, 2, 3].map(() => model.infer(request())));
    expect([running, waiting, refused].map((one) => (one as PromiseRejectedResult).reason as unknown)).toMatchObject([
      { kind: 'failed' },
      { kind: 'failed' },
      { kind: 'queueFull' },
    ]);
    await eventually(async () => expect(ended).toBeGreaterThanOrEqual(3));
  });
});
