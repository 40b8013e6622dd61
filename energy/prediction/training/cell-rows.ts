// Core-rail measurements of NAS-Bench-201 cells as training rows: what every network costs is counted while it is described.
import type { GraphFeatures } from '../../graph/analysis.ts';
import { OperationTape } from '../../graph/operation-tape.ts';
import { appendNetwork, parseCell } from '../../onnx/networks/nas-bench-201.ts';
import { parseTable, positiveIn, textIn } from './table.ts';
import type { TrainingRow } from './training-row.ts';

/** Classes of each task's classifier: a layer of a few kilobytes. */
const taskClasses: Readonly<Record<string, number>> = { cifar100: 100, ninapro: 18, darcy: 10 };

/** Features of a cell in its surroundings at an input shape such as 1x3x32x32. Equal to the extractor's, but for the peak. */
export function cellFeatures(cell: string, inputShape: string, task: string): GraphFeatures {
  const [, ...shape] = inputShape.split('x').map(Number);
  const tape = new OperationTape();
  appendNetwork(tape, tape.input(shape), parseCell(cell), taskClasses[task] ?? 10);
  return tape.features();
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
