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
  const stopping = new AbortController();
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
      else response.end(request.url?.endsWith('.onnx') ? model : '<html>not found</html>');
    });
    await new Promise<void>((resolve) => models.listen(0, '127.0.0.1', resolve));
    host = `127.0.0.1:${(models.address() as AddressInfo).port}`;
    const options: AgentOptions = {
      name: 'device-a',
      dataDirectory: directory,
      standalone: true,
      deploy: { token, hosts: [host] },
      simulate: 'raspberry-pi-5',
    };
    url = await new Promise<string>((resolve, reject) => {
      running = runAgent(
        options,
        { logger: pino({ level: 'silent' }), onReady: (readiness) => resolve(readiness.url) },
        stopping.signal,
      );
      running.catch(reject);
    });
  });
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
  });

  it('deploy, predict, benchmark, measure, stop and start', async () => {
    const order = { model_name: 'classifier', model_url: `http://${host}/models/classifier.onnx`, energy_budget_mwh: 100 };
    const deployed = await call(`${url}/deploy`, 'POST', order, token);
    expect(deployed).toMatchObject({ status: 200, body: { status: 'ok', model: 'classifier' } });
    expect(deployed.body['budget_note']).toContain('budget_inferences');
    await eventually(async () => expect((await call(`${url}/status`, 'GET')).body['state']).toBe('running'), 20);
    expect((await call(`${url}/status`, 'GET')).body).toMatchObject({ current_model: 'classifier', control_plane: null });
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
