// How long it takes to train what ships, scores and nested intervals included: `--data DIRECTORY` holds the measurement tables.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type PlanName, shippedPlans } from '../../energy/prediction/training/plans.ts';
import { planRows, trainShipped } from '../../energy/prediction/training/ship.ts';
import type { Bench, BenchOptions, BenchResult } from './harness/bench.ts';
import { judged, seconds } from './harness/format.ts';

const defaultData = path.join(import.meta.dirname, '../../../shared/data/energy');
const cells: PlanName = 'raspberry-pi-5-corerail-onnxruntime';
const cellsGoalSeconds = 10;
const boardsGoalSeconds = 60;

interface Timing {
  name: PlanName;
  rows: number;
  wallSeconds: number;
  processorSeconds: number;
}

function timed(name: PlanName, data: string): Timing {
  const read = (file: string) => readFileSync(path.join(data, file), 'utf8');
  const started = performance.now();
  const before = process.cpuUsage();
  const { rows } = trainShipped(name, read).card;
  const { user, system } = process.cpuUsage(before);
  return { name, rows, wallSeconds: (performance.now() - started) / 1000, processorSeconds: (user + system) / 1e6 };
}

async function run({ values, note, signal }: BenchOptions): Promise<BenchResult> {
  const data = values['data'] ?? defaultData;
  if (!existsSync(data)) return { tables: [], remarks: [`not measured: there are no measurement tables at ${data}`] };
  const names = Object.keys(shippedPlans) as PlanName[];
  const timings: Timing[] = [];
  for (const name of names) {
    signal.throwIfAborted();
    note(name);
    timings.push(timed(name, data));
  }
  const started = performance.now();
  planRows(cells, (file) => readFileSync(path.join(data, file), 'utf8'));
  const readingSeconds = (performance.now() - started) / 1000;
  const boards = timings.filter(({ name }) => name !== cells).reduce((sum, { wallSeconds }) => sum + wallSeconds, 0);
  return await Promise.resolve({
    tables: [
      {
        caption:
          'From the tables to the artifact: reading, fitting, grouped folds for energy and latency, nested folds for the interval.',
        columns: ['predictor', 'rows', 'seconds', 'processor seconds'],
        rows: [
          ...timings.map(({ name, rows, wallSeconds, processorSeconds }) => [
            name,
            rows.toLocaleString('en'),
            name === cells
              ? `${judged(seconds(wallSeconds), wallSeconds < cellsGoalSeconds)}, goal < ${cellsGoalSeconds} s`
              : seconds(wallSeconds),
            seconds(processorSeconds),
          ]),
          [
            'both whole-board classes',
            '',
            `${judged(seconds(boards), boards < boardsGoalSeconds)}, goal < ${boardsGoalSeconds} s`,
            '',
          ],
        ],
      },
    ],
    remarks: [
      `Of it, reading ${timings[0]?.rows.toLocaleString('en') ?? ''} networks and counting what each costs: ${seconds(readingSeconds)}.`,
      'It computes in one thread; processor seconds count the garbage collector’s threads too, and where seconds are more, other work shared the processor.',
    ],
  });
}

export const bench: Bench = { title: 'Training', run };
