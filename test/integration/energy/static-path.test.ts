// What is counted without running a graph, beside what the runtime's own run of it counts.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GraphFeatures } from '../../../energy/graph/analysis.ts';
import { analyzeGraph } from '../../../energy/graph/extract/analyze.ts';
import { inferShapes } from '../../../energy/graph/inference/infer.ts';
import { staticFeatures } from '../../../energy/graph/static-features.ts';
import { readModel } from '../../../energy/onnx/model.ts';
import { type ClassicNetworkName, classicNetworks } from '../../../energy/onnx/networks/classic-networks.ts';

const opset = 17;

describe('a graph read without running', () => {
  let file: string;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'jouleops-static-'));
    file = path.join(folder, 'model.onnx');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function bothWays(name: ClassicNetworkName): Promise<{ counted: GraphFeatures; run: GraphFeatures }> {
    const bytes = classicNetworks[name]({ kind: 'constant', seed: 1, minimumElements: 64 });
    await writeFile(file, bytes);
    const { graph } = readModel(bytes);
    const { tensors, unresolved } = inferShapes(graph, opset);
    expect(unresolved).toEqual([]);
    const { features } = await analyzeGraph(file, { signal: AbortSignal.timeout(30_000) });
    return { counted: staticFeatures(graph, tensors), run: features };
  }

  it.each(['resnet50', 'resnext50_32x4d', 'vgg11', 'mobilenetv2_100', 'densenet121'] as const)(
    'has every figure of its run where convolutions, norms and ReLU are all: %s',
    async (name) => {
      const { counted, run } = await bothWays(name);
      expect(counted).toEqual(run);
    },
  );

  it.each([
    ['efficientnet_b0', 1.5],
    ['vit_tiny_patch16_224', 1.8],
    ['convnext_tiny', 2],
  ] as const)(
    'has the arithmetic and parameters of its run, and more bytes, where patterns would be fused: %s',
    async (name, most) => {
      const { counted, run } = await bothWays(name);
      expect({ macs: counted.macs, parameters: counted.parameters }).toEqual({ macs: run.macs, parameters: run.parameters });
      const excess = counted.bytes / run.bytes;
      expect(excess).toBeGreaterThan(most - 0.06);
      expect(excess).toBeLessThanOrEqual(most);
    },
  );
});
