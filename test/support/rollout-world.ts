// A control plane with the real controller, stub agents that behave as told, and models to release one after the other.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { digestOf } from '../../crds/digest.ts';
import type { EdgeDeviceStatus } from '../../crds/edge-device.ts';
import type { ModelDeployment, ModelDeploymentSpec } from '../../crds/model-deployment.ts';
import { deviceClasses, modelDeployments, modelVersions } from '../../crds/resources.ts';
import { nasBench201 } from '../../energy/onnx/networks/nas-bench-201.ts';
import { namespaces } from '../../kube/api/builtins.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { startControlPlane, type TestControlPlane } from './controller.ts';
import { eventually } from './eventually.ts';
import { type StubAgent, type StubModel, startStubAgent } from './stub-agent.ts';

const cell = '|nor_conv_3x3~0|+|nor_conv_3x3~0|skip_connect~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|';
const namespace = 'factory';

export const frugal: StubModel = { joules: { value: 0.03, lower: 0.029, upper: 0.031 } };
export const greedy: StubModel = { joules: { value: 0.12, lower: 0.115, upper: 0.125 } };

export interface RolloutWorld extends AsyncDisposable {
  plane: TestControlPlane;
  namespace: string;
  /** For the command line. */
  kubeconfigPath: string;
  /** By ModelVersion, then by device; what is not named is frugal. */
  behaviour: Record<string, StubModel | Record<string, StubModel>>;
  agents: StubAgent[];
  join(name: string, deviceClassName?: string, status?: Partial<EdgeDeviceStatus>): Promise<StubAgent>;
  release(name: string, seed: number): Promise<void>;
  deploy(name: string, spec: Partial<ModelDeploymentSpec> & { modelVersionName: string }): Promise<void>;
  deployment(name: string): Promise<Stored<ModelDeployment>>;
  ask(name: string, spec: Record<string, unknown>): Promise<void>;
}

export async function startRolloutWorld(signal: AbortSignal): Promise<RolloutWorld> {
  const modelStore = await mkdtemp(path.join(os.tmpdir(), 'jouleops-models-'));
  const plane = await startControlPlane({ modelStoreDirectory: modelStore, lostSeconds: 2, fleet: { allowPaths: true } });
  const kubeconfigPath = path.join(plane.directory, 'kubeconfig');
  await writeFile(kubeconfigPath, await plane.apiServer.kubeconfig(), { mode: 0o600 });
  await plane.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { signal });
  await untilClassesAreShipped(plane, signal);
  const world: RolloutWorld = {
    plane,
    namespace,
    kubeconfigPath,
    behaviour: {},
    agents: [],
    join: async (name, deviceClassName, status = {}) => {
      const agent = await startStubAgent({
        name,
        joinToken: await plane.controller.mintJoinToken({ validSeconds: 600 }),
        ...(deviceClassName === undefined ? {} : { deviceClassName }),
        status: { architecture: 'x64', powerSources: [{ name: 'meter', kind: 'hwmon', boundary: 'Board' }], ...status },
        behave: ({ modelVersionName }) => {
          const told = world.behaviour[modelVersionName];
          return told === undefined ? frugal : isModel(told) ? told : (told[name] ?? frugal);
        },
        heartbeatSeconds: 0.2,
      });
      world.agents.push(agent);
      return agent;
    },
    release: async (name, seed) => {
      const bytes = nasBench201(cell, { inputShape: [3, 32, 32], classes: 10, seed });
      await writeFile(path.join(modelStore, name), bytes);
      const digest = digestOf(bytes);
      const variants = [{ name: 'fp32', digest, sources: [{ uri: `store://${name}` }] }];
      const spec = { family: 'nas', version: `${seed}.0.0`, variants };
      const version = { apiVersion: 'jouleops.dev/v1alpha1', kind: 'ModelVersion', metadata: { name, namespace }, spec };
      await plane.client.create(modelVersions, version, { signal });
    },
    deploy: async (name, spec) => {
      const whole = { budget: { energyPerInference: '80mJ' }, placement: { replicas: 1 }, ...spec };
      const object = { apiVersion: 'jouleops.dev/v1alpha1', kind: 'ModelDeployment', metadata: { name, namespace }, spec: whole };
      await plane.client.create(modelDeployments, object, { signal });
    },
    deployment: (name) => plane.client.get(modelDeployments, { namespace, name }, { signal }),
    ask: async (name, spec) => {
      await plane.client.patch(modelDeployments, { namespace, name }, { kind: 'merge', body: { spec } }, { signal });
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(world.agents.map((agent) => agent.stop()));
      await plane.close();
      await rm(modelStore, { recursive: true, force: true });
    },
  };
  return world;
}

/** A device that simulates one can join no sooner; a real agent asks again. */
export async function untilClassesAreShipped({ client }: Pick<TestControlPlane, 'client'>, signal: AbortSignal): Promise<void> {
  for (const name of ['raspberry-pi-5', 'jetson-nano'])
    await eventually(() => client.get(deviceClasses, { name }, { signal }), 30);
}

function isModel(told: StubModel | Record<string, StubModel>): told is StubModel {
  return 'joules' in told || 'failure' in told || 'errors' in told;
}
