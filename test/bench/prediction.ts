// What one prediction costs once the graph is analysed.
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { GraphFeatures } from '../../energy/graph/analysis.ts';
import { analyzeGraph } from '../../energy/graph/extract/analyze.ts';
import { loadCatalogue } from '../../energy/prediction/catalogue.ts';
import { predict } from '../../energy/prediction/predictor.ts';
import type { Bench, BenchOptions, BenchResult } from './harness/bench.ts';
import { digits, judged, milliseconds, quantile, seconds } from './harness/format.ts';

const goalMilliseconds = 1;
const allGoalMilliseconds = 100;
const models = 1000;
const passes = 5;
const predictorFolder = fileURLToPath(new URL('../../data/predictors/', import.meta.url));
const storedModels = ['nas-cell/1', 'machine-state/2', 'resnet50/1', 'vgg16/1'];

async function run({ signal }: BenchOptions): Promise<BenchResult> {
  const entries = await loadCatalogue({
    list: () => readdir(predictorFolder),
    read: (name) => readFile(`${predictorFolder}${name}`, 'utf8'),
  });
  const analyses: { features: GraphFeatures; seconds: number; name: string }[] = [];
  for (const name of storedModels) {
    const started = performance.now();
    const { features } = await analyzeGraph(fileURLToPath(new URL(`../../model_store/${name}/model.onnx`, import.meta.url)), {
      signal,
    });
    analyses.push({ name, features, seconds: (performance.now() - started) / 1000 });
  }
  // No two models alike, so that nothing remembered can answer.
  const featuresAt = (index: number): GraphFeatures => {
    const base = analyses[index % analyses.length]?.features as GraphFeatures;
    return { ...base, macs: base.macs * (1 + index / models) };
  };
  const rows = entries.map(({ predictor }) => {
    const samples: number[] = [];
    for (let index = -50; index < models; index++) {
      const features = featuresAt(Math.abs(index));
      const started = performance.now();
      predict(predictor, features, predictor.card.key, { confidencePercent: 90 });
      if (index >= 0) samples.push(performance.now() - started);
    }
    const mean = samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
    const slow = quantile(samples, 0.99);
    return [
      predictor.name,
      milliseconds(mean),
      milliseconds(quantile(samples, 0.5)),
      judged(milliseconds(slow), slow < goalMilliseconds),
    ];
  });
  const together = Array.from({ length: passes }, () => {
    const [started, before] = [performance.now(), process.cpuUsage()];
    for (let index = 0; index < models; index++) {
      const features = featuresAt(index);
      for (const { predictor } of entries) predict(predictor, features, predictor.card.key, { confidencePercent: 90 });
    }
    const { user, system } = process.cpuUsage(before);
    return { wall: performance.now() - started, processor: (user + system) / 1000 };
  });
  const [wall, processor] = (['wall', 'processor'] as const).map((key) =>
    quantile(
      together.map((pass) => pass[key]),
      0.5,
    ),
  );
  return {
    tables: [
      {
        caption: `${models.toLocaleString('en')} models each, energy and latency with their intervals.`,
        columns: ['predictor', 'mean', 'p50', `p99 (goal < ${goalMilliseconds} ms)`],
        rows,
      },
      {
        caption: `All of them: ${models.toLocaleString('en')} models × ${entries.length} classes, the middle of ${passes} passes.`,
        columns: ['goal', 'processor time', 'wall time'],
        rows: [
          [
            `< ${allGoalMilliseconds} ms`,
            judged(milliseconds(processor ?? Number.NaN), (processor ?? Number.NaN) < allGoalMilliseconds),
            milliseconds(wall ?? Number.NaN),
          ],
        ],
      },
      {
        caption: 'Before that, once per model: reading its graph in a child process with limits.',
        columns: ['model', 'analysis'],
        rows: analyses.map(({ name, seconds: taken, features }) => [
          `${name} (${digits(features.macs / 1e6)} million MACs)`,
          seconds(taken),
        ]),
      },
    ],
    remarks: [
      'Where wall time is longer than processor time, other work shared the processor; the slowest of a thousand show it first.',
    ],
  };
}

export const bench: Bench = { title: 'Prediction', run };
