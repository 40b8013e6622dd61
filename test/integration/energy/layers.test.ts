import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { nodeClasses } from '../../../energy/graph/analysis.ts';
import { analyzeGraph } from '../../../energy/graph/extract/analyze.ts';
import { nasBench201 } from '../../../energy/onnx/networks/nas-bench-201.ts';
import { explain, explainLayers, parsePredictor, predict } from '../../../energy/prediction/predictor.ts';

const predictorFile = new URL('../../../data/predictors/raspberry-pi-5-corerail-onnxruntime.json', import.meta.url);
const cell = '|nor_conv_3x3~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|skip_connect~0|none~1|nor_conv_3x3~2|';

it('the shares of all nodes add up to their classes, and with the overhead to the prediction', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'jouleops-layers-'));
  try {
    const file = path.join(folder, 'model.onnx');
    await writeFile(file, nasBench201(cell, { inputShape: [3, 32, 32], classes: 10, seed: 1 }));
    const signal = new AbortController().signal;
    const { features, layers = [] } = await analyzeGraph(file, { signal, layers: true });
    expect((await analyzeGraph(file, { signal })).layers).toBeUndefined();
    expect(layers).toHaveLength(features.nodes);
    const predictor = parsePredictor(await readFile(predictorFile, 'utf8'));
    const { estimate } = predict(predictor, features, predictor.card.key, { confidencePercent: 90 }).joulesPerInference;
    const parts = explain(predictor, features);
    const shares = explainLayers(predictor, features, layers);
    for (const name of nodeClasses) {
      const ofClass = shares.filter(({ nodeClass }) => nodeClass === name).reduce((sum, { joules }) => sum + joules, 0);
      expect(ofClass).toBeCloseTo(parts.find(({ part }) => part === name)?.joules ?? 0, 12);
    }
    const overhead = parts.find(({ part }) => part === 'overhead')?.joules ?? 0;
    expect(shares.reduce((sum, { joules }) => sum + joules, overhead)).toBeCloseTo(estimate, 12);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
