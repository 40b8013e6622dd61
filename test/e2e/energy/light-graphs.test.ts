// The classic networks that the package `onnx` carries, read as any file and held against a count by that package.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { analyzeGraph } from '../../../energy/graph/extract/analyze.ts';
import { findPython } from '../../support/clients/available.ts';
import { runCommand } from '../../support/clients/command.ts';
import known from './light-graphs.json' with { type: 'json' };

const training = fileURLToPath(new URL('../../../training/', import.meta.url));
const python = await findPython(join(training, 'light_graphs/requirements.txt'));
const listing =
  python === undefined ? undefined : await runCommand(python, ['-m', 'light_graphs', '--folder'], { directory: training });

/** Millions of parameters and multiply–adds as published with the networks. */
const published: Readonly<Record<string, [number, number]>> = {
  'light_bvlc_alexnet.onnx': [60.97, 655],
  'light_resnet50.onnx': [25.56, 4089],
  'light_vgg19.onnx': [143.67, 19_632],
  'light_squeezenet.onnx': [1.235, 349],
};

describe.skipIf(listing === undefined)('the graphs that the package onnx tests its backends with', () => {
  it.each(known.graphs)('$file has $parameters parameters and $macs multiply–adds', { timeout: 120_000 }, async (graph) => {
    const file = join(listing?.stdout.trim() ?? '', graph.file);
    expect(
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    ).toBe(graph.sha256);
    const { features, precision, path } = await analyzeGraph(file, { signal: new AbortController().signal });
    expect({ path, precision }).toEqual({ path: 'profiled', precision: 'fp32' });
    expect(features.parameters).toBe(graph.parameters);
    expect(features.macs).toBe(graph.macs);
    const [megaParameters, megaMacs] = published[graph.file] ?? [graph.parameters / 1e6, graph.macs / 1e6];
    expect(features.parameters / 1e6 / megaParameters).toBeCloseTo(1, 2);
    expect(features.macs / 1e6 / megaMacs).toBeCloseTo(1, 2);
  });
});
