// Core-rail measurements of NAS-Bench-201 cells as training rows: every cell is written as ONNX and read back without running it.

import type { GraphFeatures } from '../../graph/analysis.ts';
import { opsetOf } from '../../graph/extract/preparation.ts';
import { inferShapes } from '../../graph/inference/infer.ts';
import { staticFeatures } from '../../graph/static-features.ts';
import { readModel } from '../../onnx/model.ts';
import { nasBench201 } from '../../onnx/nas-bench-201.ts';
import { parseTable, positiveIn, textIn } from './table.ts';
import type { TrainingRow } from './training-row.ts';

/** Classes of each task's classifier: a layer of a few kilobytes. */
const taskClasses: Readonly<Record<string, number>> = { cifar100: 100, ninapro: 18, darcy: 10 };

/** Features of a cell in its surroundings at an input shape such as 1x3x32x32. Equal to the extractor's, but for the peak. */
export function cellFeatures(cell: string, inputShape: string, task: string): GraphFeatures {
  const [, channels = 0, height = 0, width = 0] = inputShape.split('x').map(Number);
  const model = readModel(
    nasBench201(cell, {
      inputShape: [channels, height, width],
      classes: taskClasses[task] ?? 10,
      seed: 1,
      weights: { kind: 'constant', seed: 1, minimumElements: 1 },
    }),
  );
  const { tensors } = inferShapes(model.graph, opsetOf(model));
  return staticFeatures(model.graph, tensors);
}

/** `select` picks rows by index before the costly part. */
export function cellRows(text: string, select: (index: number) => boolean = () => true): TrainingRow[] {
  return parseTable(text, 'nasbench201_pi5_onnxruntime.csv')
    .filter((_, index) => select(index))
    .map((row) => {
      const cell = textIn(row, 'architecture');
      return {
        architecture: cell,
        family: textIn(row, 'task'),
        session: 'single',
        batch: 1,
        features: cellFeatures(cell, textIn(row, 'input_shape'), textIn(row, 'task')),
        joules: positiveIn(row, 'core_energy_mj') / 1000,
        seconds: positiveIn(row, 'latency_ms') / 1000,
        noiseFactor: 1,
      };
    });
}
