import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GraphAnalysis, nodeClasses } from '../../../energy/graph/analysis.ts';
import { analyzeGraph } from '../../../energy/graph/extract/analyze.ts';
import { type ClassicNetworkName, classicNetworks } from '../../../energy/onnx/networks/classic-networks.ts';
import { anchorProbeName, probes } from '../../../energy/onnx/networks/probes.ts';
import { classicNetworkFacts } from '../../support/classic-network-facts.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-networks-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

async function analyze(name: string, bytes: Uint8Array): Promise<GraphAnalysis> {
  const file = path.join(directory, `${name}.onnx`);
  await writeFile(file, bytes);
  return analyzeGraph(file, { signal: AbortSignal.timeout(60_000) });
}

describe('the calibration probes', () => {
  it('are about twenty different files of kilobytes, with an anchor among them', () => {
    const files = probes().map((probe) => ({ name: probe.name, bytes: probe.write() }));
    expect(files.length).toBeGreaterThanOrEqual(20);
    expect(new Set(files.map(({ bytes }) => Buffer.from(bytes).toString('base64'))).size).toBe(files.length);
    for (const { bytes } of files) expect(bytes.length).toBeLessThan(300_000);
    expect(files.map(({ name }) => name)).toContain(anchorProbeName);
  });

  it('between them show every kind of node, each with at least a hundredth of the bytes', async () => {
    const largestShare = new Map<string, number>();
    for (const probe of probes()) {
      const { features } = await analyze(probe.name, probe.write());
      for (const name of nodeClasses) {
        const share = features.classes[name].bytes / features.bytes;
        largestShare.set(name, Math.max(largestShare.get(name) ?? 0, share));
      }
      expect(features.initializerBytes).toBeLessThan(120e6);
    }
    for (const name of nodeClasses)
      if (name !== 'noop') expect([name, largestShare.get(name)]).toSatisfy(([, share]) => share >= 0.01);
  }, 180_000);
});

describe('the graph reader on classic networks', () => {
  // One of each kind: the larger ones of a kind take half a gigabyte and show nothing new.
  const larger = ['vgg11', 'vgg13', 'vgg19', 'resnet101', 'densenet169'];
  const names = (Object.keys(classicNetworks) as ClassicNetworkName[]).filter((name) => !larger.includes(name));

  it.each(names)('%s has the published parameters and multiply–adds', async (name) => {
    const { features } = await analyze(name, classicNetworks[name]({ kind: 'constant', seed: 1, minimumElements: 1 }));
    const { parameters, gigaMacs } = classicNetworkFacts[name];
    expect(features.parameters / parameters).toBeCloseTo(1, 2);
    const attention = features.classes.matmul.macs;
    expect((features.macs - attention) / 1e9 / gigaMacs).toBeGreaterThan(0.96);
    expect((features.macs - attention) / 1e9 / gigaMacs).toBeLessThan(1.04);
  });
});
