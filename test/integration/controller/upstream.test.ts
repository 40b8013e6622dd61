// From a declaration to a model on an upstream: the whole product, the real controller and real agents.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentOptions, AgentReadiness } from '../../../agent/options.ts';
import { runAgent } from '../../../agent/run.ts';
import { modelDeployments, modelInstances, modelVersions } from '../../../crds/resources.ts';
import { namespaces } from '../../../kube/api/builtins.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { startControlPlane, type TestControlPlane } from '../../support/controller.ts';
import { eventually } from '../../support/eventually.ts';

const namespace = 'factory';
const token = 'a token for scripts';
const model = path.join(import.meta.dirname, '../../../model_store/nas-cell/1/model.onnx');

describe('a deployment that names an upstream', () => {
  const signal = AbortSignal.timeout(120_000);
  const running: { stop: AbortController; ended: Promise<void> }[] = [];
  let directory: string;
  let plane: TestControlPlane;
  let files: Server;
  let upstream: AgentReadiness;
  let served: AgentReadiness;

  async function start(options: Omit<AgentOptions, 'dataDirectory'>): Promise<AgentReadiness> {
    const stop = new AbortController();
    const ready = Promise.withResolvers<AgentReadiness>();
    const whole = { ...options, dataDirectory: path.join(directory, options.name) };
    const ended = runAgent(whole, { logger: pino({ level: 'silent' }), onReady: ready.resolve }, stop.signal);
    ended.catch(ready.reject);
    running.push({ stop, ended });
    return ready.promise;
  }

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'jouleops-upstream-'));
    const bytes = await readFile(model);
    files = createServer((_, response) => response.end(bytes));
    await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
    const host = `127.0.0.1:${(files.address() as AddressInfo).port}`;
    upstream = await start({ name: 'beside', standalone: true, deploy: { token, hosts: [host] } });
    await fetch(`${upstream.url}/deploy`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ model_name: 'nas-cell-1', model_url: `http://${host}/model.onnx` }),
    });
    await eventually(async () => expect((await fetch(`${upstream.url}/v2/models/nas-cell-1/ready`)).status).toBe(200), 20);

    plane = await startControlPlane();
    const join = async () => ({ kind: 'JoinToken', token: await plane.controller.mintJoinToken({ validSeconds: 600 }) }) as const;
    const board = { simulate: 'raspberry-pi-5', windowSeconds: 0.3 };
    await start({ name: 'pi-a', join: await join(), ...board });
    served = await start({ name: 'pi-b', join: await join(), ...board, upstreams: [{ name: 'gpu', url: upstream.url }] });
  });
  afterAll(async () => {
    for (const { stop } of running) stop.abort();
    await Promise.all(running.map(({ ended }) => ended));
    await plane.close();
    await new Promise((resolve) => files.close(resolve));
    await rm(directory, { recursive: true, force: true });
  });

  it('goes where the agent has it, is tested there because no predictor knows it, and answers', async () => {
    const { client } = plane;
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { signal });
    const variant = {
      name: 'fp32',
      digest: 'sha256:fe887dc1ca324e2b1c5887d56f7c3a17757902dfd8de51a7079581bc11a4bb4a',
      size: 1534056,
      sources: [{ uri: 'store://nas-cell/1/model.onnx' }],
    };
    const apiVersion = 'jouleops.dev/v1alpha1';
    const version = { family: 'nas-cell', version: '1.0.0', variants: [variant] };
    await client.create(
      modelVersions,
      { apiVersion, kind: 'ModelVersion', metadata: { name: 'nas-cell-1', namespace }, spec: version },
      { signal },
    );
    const spec = {
      modelVersionName: 'nas-cell-1',
      budget: { energyPerInference: '10J' },
      placement: { replicas: 1 },
      runtime: { engine: 'OpenInferenceUpstream' as const, upstreamName: 'gpu' },
    };
    await client.create(
      modelDeployments,
      { apiVersion, kind: 'ModelDeployment', metadata: { name: 'cell', namespace }, spec },
      { signal },
    );
    const status = await eventually(async () => {
      const found = await client.get(modelDeployments, { namespace, name: 'cell' }, { signal });
      expect(findCondition(found.status?.conditions, 'Ready'), JSON.stringify(found.status, undefined, 1)).toMatchObject({
        status: 'True',
      });
      return found.status;
    }, 90);
    expect(findCondition(status?.conditions, 'ModelResolved')?.reason).toBe('Resolved');
    expect(status?.candidates?.find(({ deviceName }) => deviceName === 'pi-a')).toMatchObject({
      verdict: 'NotReady',
      message: 'it has no upstream gpu: start its agent with --upstream gpu=URL',
    });
    expect(status?.candidates?.find(({ deviceName }) => deviceName === 'pi-b')?.verdict).toBe('Chosen');
    // The predictors of the board know its processor: of what runs there they say at most that it is uncertain.
    expect(status?.classes?.[0]?.amounts[0]?.predicted).toMatchObject({ transferred: true });
    const { items } = await client.list(modelInstances, { namespace, signal });
    expect(items.map((instance) => instance.status?.revisions?.[0]?.executionProviders)).toEqual([['upstream:gpu']]);
    const data = Array.from({ length: 3 * 32 * 32 }, () => 0.5);
    const body = JSON.stringify({ inputs: [{ name: 'input', datatype: 'FP32', shape: [1, 3, 32, 32], data }] });
    const ask = async (url: string, name: string) => {
      const response = await fetch(`${url}/v2/models/${name}/infer`, { method: 'POST', body });
      return ((await response.json()) as { outputs?: unknown }).outputs;
    };
    expect(await ask(served.url, 'cell')).toEqual(await ask(upstream.url, 'nas-cell-1'));
  });
});
