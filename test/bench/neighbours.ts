// A model that crashes, hangs or eats memory beside one that is asked all the time: what the good one notices of it.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Tensor } from '../../agent/inference/datatypes.ts';
import type { EngineModel } from '../../agent/inference/engine.ts';
import { createOnnxRuntimeEngine, onnxRuntimeDefaults } from '../../agent/inference/onnx-runtime-engine.ts';
import { systemClock } from '../../kube/runtime/clock.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { type Bench, type BenchOptions, type BenchResult, countOption } from './harness/bench.ts';
import { judged, milliseconds, percent, quantile, seconds } from './harness/format.ts';
import { processTree } from './harness/process-usage.ts';

const fixtures = join(import.meta.dirname, '../integration/agent/fixtures');
/** A run that takes longer is a hang. */
const runTimeoutSeconds = 2;
const killGoalSeconds = 1;
const slowerGoal = 0.2;
const everyMilliseconds = 10;
const turns = 7;
const memoryBytes = 64 * 1024 * 1024;

const numbers = (name: string, value: bigint): Tensor => ({
  name,
  datatype: 'INT64',
  shape: [1],
  data: new Uint8Array(new BigInt64Array([value]).buffer),
});
const features: Tensor = {
  name: 'x',
  datatype: 'FP32',
  shape: [1, 4],
  data: new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer),
};

interface Watched {
  samples: number[];
  errors: number;
}

/** Asks one after the other, at a fixed pace, for as long as told. */
async function watch(model: EngineModel, forSeconds: number, signal: AbortSignal): Promise<Watched> {
  const watched: Watched = { samples: [], errors: 0 };
  const end = performance.now() + forSeconds * 1000;
  while (performance.now() < end) {
    signal.throwIfAborted();
    const started = performance.now();
    try {
      await model.infer({ inputs: [features], outputs: [] });
      watched.samples.push(performance.now() - started);
    } catch {
      watched.errors++;
    }
    await delay(Math.max(0, everyMilliseconds - (performance.now() - started)));
  }
  return watched;
}

interface Trouble {
  what: string;
  file: string;
  /** One misdeed; how long it took to be ended, in seconds beyond the deadline, where it had one. */
  act(bad: EngineModel, pids: () => Promise<number[]>): Promise<number | undefined>;
}

const troubles: readonly Trouble[] = [
  {
    what: 'crashes, again and again',
    file: 'classifier.onnx',
    act: async (bad, pids) => {
      for (const pid of await pids())
        try {
          process.kill(pid, 'SIGSEGV');
        } catch {
          // between two of its lives
        }
      await bad.infer({ inputs: [features], outputs: [] }).catch(() => undefined);
      await delay(200);
      return undefined;
    },
  },
  {
    what: 'hangs, and is killed',
    file: 'loop.onnx',
    act: async (bad) => {
      const started = performance.now();
      const before = bad.restarts.count;
      await bad.infer({ inputs: [numbers('iterations', 4_000_000_000n)], outputs: [] }).catch(() => undefined);
      const taken = (performance.now() - started) / 1000;
      while (!bad.ready) await delay(20);
      return bad.restarts.count > before ? taken - runTimeoutSeconds : undefined;
    },
  },
  {
    what: 'asks for more memory than it may have',
    file: 'memory.onnx',
    act: async (bad) => {
      await bad.infer({ inputs: [numbers('elements', 100_000_000n)], outputs: [] }).catch(() => undefined);
      await delay(20);
      return undefined;
    },
  },
];

async function run(options: BenchOptions): Promise<BenchResult> {
  const forSeconds = countOption(options, 'seconds', 5);
  const engine = createOnnxRuntimeEngine(
    { clock: systemClock, logger: silentLogger },
    { ...onnxRuntimeDefaults, runTimeoutSeconds, restartSeconds: 0.2, maximumRestartSeconds: 1 },
  );
  const load = (file: string) =>
    engine.load(
      {
        name: file,
        modelName: file,
        modelVersion: '1',
        digest: '',
        file: join(fixtures, file),
        threads: 1,
        executionProviders: ['cpu'],
        memoryBytes,
      },
      options.signal,
    );
  const good = await load('classifier.onnx');
  const own = new Set(await processTree(process.pid));
  const rows: string[][] = [];
  let slowestKill = Number.NEGATIVE_INFINITY;
  try {
    await watch(good, 3, options.signal);
    for (const trouble of troubles) {
      options.note(`  ${trouble.what}`);
      const bad = await load(trouble.file);
      const pids = async () => (await processTree(process.pid)).filter((pid) => !own.has(pid));
      const alone: Watched[] = [];
      const beside: Watched[] = [];
      let acts = 0;
      for (let turn = 0; turn < turns; turn++) {
        alone.push(await watch(good, forSeconds, options.signal));
        const over = new AbortController();
        const misbehave = (async () => {
          while (!over.signal.aborted) {
            const beyond = await trouble.act(bad, pids);
            if (beyond !== undefined) slowestKill = Math.max(slowestKill, beyond);
            acts++;
          }
        })();
        beside.push(await watch(good, forSeconds, options.signal));
        over.abort();
        await misbehave;
      }
      await bad.close();
      const p50 = (watched: Watched | undefined) => quantile(watched?.samples ?? [], 0.5);
      // Turn by turn: what else the machine does changes from minute to minute.
      const slower =
        quantile(
          beside.map((watched, turn) => p50(watched) / p50(alone[turn])),
          0.5,
        ) - 1;
      const errors = beside.reduce((sum, watched) => sum + watched.errors, 0);
      const besideAll = beside.flatMap((watched) => watched.samples);
      rows.push([
        trouble.what,
        String(acts),
        String(besideAll.length + errors),
        judged(String(errors), errors === 0),
        milliseconds(
          quantile(
            alone.flatMap((watched) => watched.samples),
            0.5,
          ),
        ),
        milliseconds(quantile(besideAll, 0.5)),
        judged(percent(slower), slower <= slowerGoal),
        milliseconds(quantile(besideAll, 0.99)),
      ]);
    }
  } finally {
    await good.close();
  }
  return {
    tables: [
      {
        caption: `One model asked every ${everyMilliseconds} ms; beside it, in a process of its own below the same agent code, one that misbehaves in every other turn of ${forSeconds} s, ${turns} times; slower is the median over the turns.`,
        columns: [
          'the neighbour',
          'times',
          'requests to the good one',
          'errors (goal 0)',
          'p50 alone',
          'p50 beside it',
          'slower (goal ≤ 20 %)',
          'p99 beside it',
        ],
        rows,
      },
    ],
    remarks: [
      `A hang is noticed ${runTimeoutSeconds} s after its request began; the slowest kill came ${judged(seconds(slowestKill), slowestKill <= killGoalSeconds)} after that deadline (goal ≤ ${killGoalSeconds} s).`,
      `The good one was restarted ${good.restarts.count} times.`,
    ],
  };
}

export const bench: Bench = { title: 'Neighbours that misbehave', run };
