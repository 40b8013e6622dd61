import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentOptions } from '../../../agent/options.ts';
import { runAgent } from '../../../agent/run.ts';
import { eventually } from '../../support/eventually.ts';
import { createWorld, fixtures } from './world.ts';

const token = 'a-token-of-the-test';
type Json = Record<string, unknown>;

async function call(url: string, method: 'GET' | 'POST', body?: Json, bearer?: string): Promise<{ status: number; body: Json }> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Json };
}

describe('scripts written for the replaced agent, on a device without a control plane', () => {
  let stopping = new AbortController();
  let directory: string;
  let models: Server;
  let host: string;
  let url: string;
  let running: Promise<void>;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-old-'));
    const model = await readFile(path.join(fixtures, 'classifier.onnx'));
    models = createServer((request, response) => {
      if (request.url === '/models/moved.onnx') response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
      else if (request.url === '/models/broken.onnx')
        response.end(Buffer.concat([Buffer.from([0x08, 0x09]), Buffer.alloc(100, 7)]));
      else if (request.url === '/models/huge.onnx') response.writeHead(200, { 'content-length': 100 * 2 ** 20 }).write('\b');
      else if (request.url === '/models/cut.onnx')
        response.writeHead(200, { 'content-length': 1000 }).write('\b', () => response.destroy());
      else response.end(request.url?.endsWith('.onnx') ? model : '<html>not found</html>');
    });
    await new Promise<void>((resolve) => models.listen(0, '127.0.0.1', resolve));
    host = `127.0.0.1:${(models.address() as AddressInfo).port}`;
    await start();
  });
  async function start(): Promise<void> {
    const options: AgentOptions = {
      name: 'device-a',
      dataDirectory: directory,
      standalone: true,
      deploy: { token, hosts: [host] },
      simulate: 'raspberry-pi-5',
      storageLimitBytes: 64 * 2 ** 20,
    };
    stopping = new AbortController();
    url = await new Promise<string>((resolve, reject) => {
      running = runAgent(
        options,
        { logger: pino({ level: 'silent' }), onReady: (readiness) => resolve(readiness.url) },
        stopping.signal,
      );
      running.catch(reject);
    });
  }
  afterAll(async () => {
    stopping.abort();
    await running;
    models.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('see an idle device, its metrics, and no model', async () => {
    const { status, body } = await call(`${url}/status`, 'GET');
    expect(status).toBe(200);
    expect(body).toMatchObject({ state: 'idle', current_model: null, runtime_capabilities: { formats: ['onnx'] } });
    const metrics = (await call(`${url}/metrics.json`, 'GET')).body;
    expect(metrics).toMatchObject({ cpu: {}, memory: { used_percent: expect.any(Number) as number }, agent: { state: 'idle' } });
    expect((await call(`${url}/predict`, 'POST', {})).status).toBe(409);
  });

  it('deploy only with the token, from a host that is allowed, and nothing but ONNX', async () => {
    const order = { model_name: 'classifier', model_url: `http://${host}/models/classifier.onnx`, model_info: {} };
    expect((await call(`${url}/deploy`, 'POST', order)).status).toBe(401);
    expect((await call(`${url}/deploy`, 'POST', order, 'wrong')).status).toBe(401);
    const elsewhere = await call(`${url}/deploy`, 'POST', { ...order, model_url: 'http://169.254.169.254/x.onnx' }, token);
    expect(elsewhere).toMatchObject({ status: 403, body: { error: expect.stringContaining('--deploy-host') as string } });
    const page = await call(`${url}/deploy`, 'POST', { ...order, model_url: `http://${host}/missing` }, token);
    expect(page).toMatchObject({ status: 400, body: { error: expect.stringContaining('HTML') as string } });
    const moved = await call(`${url}/deploy`, 'POST', { ...order, model_url: `http://${host}/models/moved.onnx` }, token);
    expect(moved.status).toBe(502);
    const cut = await call(`${url}/deploy`, 'POST', { ...order, model_url: `http://${host}/models/cut.onnx` }, token);
    expect(cut).toMatchObject({
      status: 502,
      body: { error: expect.stringContaining('did not send the whole model') as string },
    });
    const huge = await call(`${url}/deploy`, 'POST', { ...order, model_url: `http://${host}/models/huge.onnx` }, token);
    expect(huge).toMatchObject({ status: 507, body: { error: expect.stringContaining('--storage-limit') as string } });
  });

  it('see an error while the only model cannot be loaded', async () => {
    const broken = { model_name: 'broken', model_url: `http://${host}/models/broken.onnx` };
    expect((await call(`${url}/deploy`, 'POST', broken, token)).status).toBe(200);
    await eventually(async () => expect((await call(`${url}/status`, 'GET')).body['state']).toBe('error'), 20);
  });

  it('deploy, predict, benchmark, measure, stop and start', async () => {
    const order = { model_name: 'classifier', model_url: `http://${host}/models/classifier.onnx`, energy_budget_mwh: 100 };
    const deployed = await call(`${url}/deploy`, 'POST', order, token);
    expect(deployed).toMatchObject({ status: 200, body: { status: 'ok', model: 'classifier' } });
    expect(deployed.body['budget_note']).toContain('budget_inferences');
    await eventually(async () => expect((await call(`${url}/status`, 'GET')).body['state']).toBe('running'), 20);
    const { body: serving } = await call(`${url}/status`, 'GET');
    expect(serving).toMatchObject({ current_model: 'classifier', control_plane: null });
    expect(serving['models']).toContainEqual(expect.objectContaining({ name: 'classifier', reason: null }));
    expect((await call(`${url}/predict`, 'POST', {})).body).toMatchObject({ status: 'ok', dummy_input: true });
    expect((await call(`${url}/benchmark`, 'POST', { warmup_runs: 2, benchmark_runs: 10 })).body).toMatchObject({
      benchmark_runs: 10,
      latency_avg_s: expect.any(Number) as number,
      latency_p95_s: expect.any(Number) as number,
      throughput_iter_per_s: expect.any(Number) as number,
    });
    const measured = (await call(`${url}/measure_energy`, 'POST', { duration_s: 0.5 })).body;
    expect(measured).toMatchObject({ status: 'ok', source: 'simulated:board', boundary: 'Board' });
    expect(Number(measured['energy_mwh'])).toBeGreaterThan(0);
    expect((await call(`${url}/stop`, 'POST', {}, token)).status).toBe(200);
    await eventually(async () => expect((await call(`${url}/status`, 'GET')).body['state']).toBe('idle'));
    expect((await call(`${url}/start`, 'POST', {}, token)).status).toBe(200);
    await eventually(async () => expect((await call(`${url}/predict`, 'POST', {})).status).toBe(200), 20);
  });

  it('keep the model that serves when the next one cannot be loaded', async () => {
    const broken = { model_name: 'broken', model_url: `http://${host}/models/broken.onnx` };
    expect((await call(`${url}/deploy`, 'POST', broken, token)).status).toBe(200);
    await eventually(async () => {
      const { models: listed } = (await call(`${url}/status`, 'GET')).body;
      expect(listed).toContainEqual(
        expect.objectContaining({ name: 'broken', reason: expect.stringContaining('refuses') as string }),
      );
    }, 20);
    expect((await call(`${url}/predict`, 'POST', {})).body).toMatchObject({ status: 'ok', model: 'classifier' });
    expect((await call(`${url}/status`, 'GET')).body).toMatchObject({ state: 'running', current_model: 'classifier' });
  });

  it('find the model serving again after a restart, without asking for it', async () => {
    stopping.abort();
    await running;
    await start();
    await eventually(
      async () =>
        expect((await call(`${url}/status`, 'GET')).body).toMatchObject({ state: 'running', current_model: 'classifier' }),
      20,
    );
    expect((await call(`${url}/predict`, 'POST', {})).status).toBe(200);
  });

  it('see the next model take the place of the one that served, under its own name', async () => {
    const second = { model_name: 'second', model_url: `http://${host}/models/second.onnx` };
    expect((await call(`${url}/deploy`, 'POST', second, token)).status).toBe(200);
    await eventually(async () => {
      const { models: listed, current_model: current } = (await call(`${url}/status`, 'GET')).body;
      expect(current).toBe('second');
      expect((listed as Json[]).filter(({ version }) => version !== null).map(({ name }) => name)).toEqual(['second']);
    }, 20);
    expect((await call(`${url}/predict`, 'POST', {})).body).toMatchObject({ status: 'ok', model: 'second' });
    expect((await fetch(`${url}/v2/models/classifier/ready`)).status).not.toBe(200);
  });

  it('give a budget with its number of inferences, or with its unit, and are told what is missing', async () => {
    const order = { model_name: 'classifier', model_url: `http://${host}/models/classifier.onnx` };
    const withInferences = { ...order, energy_budget_mwh: 1, budget_inferences: 1000 };
    const counted = await call(`${url}/deploy`, 'POST', withInferences, token);
    expect(counted.status).toBe(200);
    expect(counted.body).not.toHaveProperty('budget_note');
    const wrong = await call(`${url}/deploy`, 'POST', { ...order, energy_per_inference: '80' }, token);
    expect(wrong).toMatchObject({ status: 400, body: { error: expect.stringContaining('with its unit') as string } });
    const none = await call(`${url}/deploy`, 'POST', { ...order, energy_budget_mwh: 1, budget_inferences: 0 }, token);
    expect(none).toMatchObject({ status: 400, body: { error: expect.stringContaining('above zero') as string } });
  });

  it.each<[string, string, Json, string]>([
    ['/benchmark', 'no runs', { benchmark_runs: 0 }, 'a whole number from 1'],
    ['/measure_energy', 'a time without end', { duration_s: 1e9 }, 'at most 300'],
    ['/predict', 'real inputs', { inputs: [[1, 2]] }, '/v2/models/NAME/infer'],
    ['/deploy', 'a name that is a path', { model_name: '../x', model_url: 'http://h/x' }, 'no short name'],
    ['/deploy', 'no address', { model_name: 'x' }, 'model_url is missing'],
  ])('are told by %s what is wrong with %s', async (path, _, body, message) => {
    expect(await call(`${url}${path}`, 'POST', body, token)).toMatchObject({
      status: 400,
      body: { status: 'error', error: expect.stringContaining(message) as string },
    });
  });
});

describe('scripts written for the replaced agent, on a device with a control plane', () => {
  it('are told where to send a deployment, and see no energy where there is no meter', async () => {
    await using world = await createWorld();
    const agent = await world.startAgent({ pathSysfs: '/nonexistent', deploy: { token, hosts: [] } });
    await eventually(async () => expect((await world.device('device-a')).status?.agentVersion).toBeDefined());
    const order = { model_name: 'classifier', model_url: 'http://127.0.0.1:1/x.onnx' };
    const refused = await call(`${agent.url}/deploy`, 'POST', order, token);
    expect(refused).toMatchObject({
      status: 409,
      body: { error: expect.stringContaining('ModelDeployment at https://') as string },
    });
    expect((await call(`${agent.url}/measure_energy`, 'POST', { duration_s: 1 })).status).toBe(503);
    expect((await call(`${agent.url}/status`, 'GET')).body).toMatchObject({
      energy_metrics: {
        source: null,
        power_mw: null,
        energy_mwh_today: null,
        reason: expect.stringContaining('no power source') as string,
      },
    });
    expect((await call(`${agent.url}/status`, 'POST', {})).status).toBe(405);
  });

  it('cannot change anything when nobody allowed it', async () => {
    await using world = await createWorld();
    const agent = await world.startAgent({ pathSysfs: '/nonexistent' });
    for (const path of ['deploy', 'start', 'stop'])
      expect(await call(`${agent.url}/${path}`, 'POST', {}, token)).toMatchObject({
        status: 403,
        body: { error: expect.stringContaining('--deploy-token-file') as string },
      });
  });
});
