// A control plane with the namespace "factory", a model store of its own, and stub agents: where a story about deployments begins.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ControllerOptions } from '../../controller/options.ts';
import { digestOf } from '../../crds/digest.ts';
import type { ModelVersion } from '../../crds/model-version.ts';
import { nasBench201 } from '../../energy/onnx/networks/nas-bench-201.ts';
import { namespaces } from '../../kube/api/builtins.ts';
import { startControlPlane, type TestControlPlane } from './controller.ts';
import { type StubAgent, type StubAgentOptions, startStubAgent } from './stub-agent.ts';

export const factory = 'factory';

const cell = '|nor_conv_3x3~0|+|nor_conv_3x3~0|skip_connect~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|';

export interface Factory {
  plane: TestControlPlane;
  agents: StubAgent[];
  /** Puts bytes into the model store. @returns their digest */
  store(name: string, bytes: Uint8Array): Promise<string>;
  close(): Promise<void>;
}

/** @param agents by default x64 boards without a power source */
export async function startFactory(options: {
  agents: readonly Omit<StubAgentOptions, 'joinToken' | 'client'>[];
  controller?: Partial<ControllerOptions>;
}): Promise<Factory> {
  const signal = AbortSignal.timeout(60_000);
  const modelStoreDirectory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-models-'));
  const plane = await startControlPlane({ modelStoreDirectory, ...options.controller });
  const agents: StubAgent[] = [];
  const close = async () => {
    for (const agent of agents) await agent.stop();
    await plane.close();
    await rm(modelStoreDirectory, { recursive: true, force: true });
  };
  try {
    await plane.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: factory } }, { signal });
    for (const agent of options.agents) {
      const joinToken = await plane.controller.mintJoinToken({ validSeconds: 600 });
      agents.push(await startStubAgent({ status: { architecture: 'x64', powerSources: [] }, ...agent, joinToken }));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    plane,
    agents,
    store: async (name, bytes) => {
      const file = path.join(modelStoreDirectory, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, bytes);
      return digestOf(bytes);
    },
    close,
  };
}

/** A small network that no shipped predictor of an x64 board knows. */
export function smallModel(seed: number): Uint8Array {
  return nasBench201(cell, { inputShape: [3, 32, 32], classes: 10, seed });
}

/** A version with one variant out of the model store. */
export function modelVersion(name: string, digest: string, at = name): ModelVersion {
  return {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelVersion',
    metadata: { name, namespace: factory },
    spec: { family: name, version: '1.0.0', variants: [{ name: 'fp32', digest, sources: [{ uri: `store://${at}` }] }] },
  };
}
