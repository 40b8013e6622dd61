// A running pair to scrape: the real controller and a real agent that serves and measures a model with simulated power.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { AgentReadiness } from '../../../agent/options.ts';
import { runAgent } from '../../../agent/run.ts';
import type { ModelDeployment } from '../../../crds/model-deployment.ts';
import type { ModelVersion } from '../../../crds/model-version.ts';
import { modelDeployments, modelVersions } from '../../../crds/resources.ts';
import { namespaces } from '../../../kube/api/builtins.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { startControlPlane } from '../../support/controller.ts';
import { eventually } from '../../support/eventually.ts';

export interface Pair extends AsyncDisposable {
  controllerUrl: string;
  agentUrl: string;
}

const namespace = 'factory';

const version: ModelVersion = {
  apiVersion: 'jouleops.dev/v1alpha1',
  kind: 'ModelVersion',
  metadata: { name: 'nas-cell-1', namespace },
  spec: {
    family: 'nas-cell',
    version: '1.0.0',
    variants: [
      {
        name: 'fp32',
        digest: 'sha256:fe887dc1ca324e2b1c5887d56f7c3a17757902dfd8de51a7079581bc11a4bb4a',
        size: 1534056,
        sources: [{ uri: 'store://nas-cell/1/model.onnx' }],
      },
    ],
  },
};

const deployment: ModelDeployment = {
  apiVersion: 'jouleops.dev/v1alpha1',
  kind: 'ModelDeployment',
  metadata: { name: 'nas-cell', namespace },
  spec: {
    modelVersionName: 'nas-cell-1',
    budget: { energyPerInference: '12mJ', boundary: 'CoreRail' },
    placement: { replicas: 1, deviceClassNames: ['raspberry-pi-5-simulated'] },
    runtime: { threads: 1 },
  },
};

export async function startPair(): Promise<Pair> {
  const signal = AbortSignal.timeout(120_000);
  const directory = await mkdtemp(join(tmpdir(), 'jouleops-metrics-'));
  const plane = await startControlPlane();
  const joinToken = await plane.controller.mintJoinToken({ validSeconds: 600 });
  const stopping = new AbortController();
  const ready = Promise.withResolvers<AgentReadiness>();
  const running = runAgent(
    {
      name: 'pi',
      dataDirectory: join(directory, 'pi'),
      join: { kind: 'JoinToken', token: joinToken },
      simulate: 'raspberry-pi-5',
    },
    { logger: pino({ level: 'silent' }), onReady: ready.resolve },
    stopping.signal,
  );
  running.catch(ready.reject);
  const dispose = async () => {
    stopping.abort();
    await running.catch(() => undefined);
    await plane.close();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const agent = await ready.promise;
    await plane.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { signal });
    await plane.client.create(modelVersions, version, { signal });
    await plane.client.create(modelDeployments, deployment, { signal });
    await eventually(async () => {
      const { status } = await plane.client.get(modelDeployments, { namespace, name: 'nas-cell' }, { signal });
      if (findCondition(status?.conditions, 'Ready')?.status !== 'True') throw new Error(JSON.stringify(status?.conditions));
    }, 60);
    await infer(agent.url);
    return { controllerUrl: plane.controller.webUrl, agentUrl: agent.url, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** One request that is answered and one that is refused, so that both are counted. */
async function infer(url: string): Promise<void> {
  const data = Array.from({ length: 3 * 32 * 32 }, () => 0.5);
  const inputs = [{ name: 'input', datatype: 'FP32', shape: [1, 3, 32, 32], data }];
  for (const body of [JSON.stringify({ inputs }), '{}']) {
    const answer = await fetch(`${url}/v2/models/nas-cell/infer`, { method: 'POST', body });
    await answer.arrayBuffer();
  }
}

export async function scrape(url: string): Promise<string> {
  const answer = await fetch(`${url}/metrics`);
  return answer.text();
}
