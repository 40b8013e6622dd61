// `jouleops benchmark`: the controlled loop for one file on this machine, without any server.
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Logger } from 'pino';
import type { EnergyTestStatus, Slot } from '../crds/model-instance.ts';
import type { Boundary } from '../crds/shared.ts';
import { formatPower } from '../energy/units.ts';
import type { Clock } from '../kube/runtime/clock.ts';
import { systemDisk } from './disk/disk.ts';
import { createOnnxRuntimeEngine } from './inference/onnx-runtime-engine.ts';
import { runEnergyTest } from './measurement/energy-test.ts';
import { loadSubject } from './measurement/load-subject.ts';
import { ModelLoader } from './serving/model-loader.ts';
import { openBoard } from './start/board.ts';
import { createMeasurement } from './start/measurement.ts';
import { openState } from './start/state.ts';

export interface BenchmarkOptions {
  file: string;
  simulate?: string;
  boundary: Boundary;
  windows: number;
  windowSeconds: number;
  threads: number;
  pathSysfs: string;
  pathProcfs: string;
}

export interface BenchmarkResult {
  model: string;
  board: string;
  simulated: boolean;
  boundary: Boundary;
  threads: number;
  /** Of the last 2,048 inferences. */
  latencyMicroseconds: { p50: number; p95: number; p99: number } | null;
  test: EnergyTestStatus;
  idlePower: string | null;
  temperatureCelsius: number | null;
  throttled: readonly string[];
  /** What was looked for and found. */
  sources: { name: string; boundary: Boundary }[];
  notFound: string[];
}

/** @throws ModelLoadError when the runtime does not take the file, or Error when the class cannot be simulated. */
export async function runBenchmark(
  options: BenchmarkOptions,
  deps: { clock: Clock; logger: Logger; onProgress: (status: EnergyTestStatus) => void },
  signal: AbortSignal,
): Promise<BenchmarkResult> {
  const { clock, logger } = deps;
  const directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-benchmark-'));
  const ended = new AbortController();
  const both = AbortSignal.any([signal, ended.signal]);
  const { windowSeconds, boundary, threads, pathSysfs, pathProcfs } = options;
  const agentOptions = {
    name: 'benchmark',
    dataDirectory: directory,
    windowSeconds,
    pathSysfs,
    pathProcfs,
    ...(options.simulate === undefined ? {} : { simulate: options.simulate }),
  };
  let sampling: Promise<unknown> = Promise.resolve();
  try {
    const { store, learned } = await openState(agentOptions, { logger, disk: systemDisk });
    const board = await openBoard(agentOptions, { clock, logger, store }, both);
    const { power, telemetry, deposits } = board;
    const measurement = createMeasurement(agentOptions, { clock, board, learned, deviceClassName: () => undefined });
    sampling = Promise.all([power.run(both), telemetry.run(both)]);
    const slot = await slotOf(options, store.partialPath.bind(store));
    await store.commit(slot.digest);
    const loader = new ModelLoader({
      clock,
      store,
      engines: [createOnnxRuntimeEngine({ clock, logger })],
      observer: measurement.observer,
      memoryLimitBytes: board.memoryLimitBytes,
      runtime: `onnxruntime ${board.runtimeVersion}`,
      ...(deposits === undefined ? {} : { beforeLoad: (of: Slot, file: string) => deposits.prepare(of.digest, file, {}) }),
    });
    const { served } = await loader.load({ namespace: 'local', deployment: 'benchmark' }, slot, undefined, both);
    try {
      let test: EnergyTestStatus | undefined;
      const { baselines, turn, live } = measurement;
      const startTime = new Date(clock.now()).toISOString();
      await runEnergyTest(
        { id: startTime, kind: 'Absolute', windows: options.windows },
        { subject: loadSubject(served, []) },
        { boundary },
        { clock, power, baselines, turn, live, windowSeconds, throttled: () => telemetry.sample.throttled },
        (status) => {
          test = status;
          deps.onProgress(status);
        },
        both,
      );
      if (!test) throw new Error('the controlled loop said nothing');
      const meter = power.at(boundary);
      const baseline = meter && baselines.last(meter);
      return {
        model: path.basename(options.file),
        board: board.machine.boardModel ?? board.machine.architecture,
        simulated: board.simulated,
        boundary,
        threads,
        latencyMicroseconds: served.statistics.percentiles() ?? null,
        test,
        idlePower: baseline ? formatPower(baseline.watts) : null,
        temperatureCelsius: telemetry.temperature ?? null,
        throttled: telemetry.sample.throttled,
        sources: power.meters.map(({ source }) => ({ name: source.name, boundary: source.boundary })),
        notFound: power.probes.flatMap(({ looked, why }) => (why === undefined ? [] : [`${looked}: ${why}`])),
      };
    } finally {
      await loader.unload(served, 1);
    }
  } finally {
    ended.abort(new Error('the benchmark is over'));
    await sampling.catch(() => {});
    await rm(directory, { recursive: true, force: true });
  }
}

async function slotOf({ file, threads }: BenchmarkOptions, partialPath: (digest: string) => string): Promise<Slot> {
  const bytes = await readFile(file);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  await copyFile(file, partialPath(digest));
  const name = path.basename(file, '.onnx');
  return {
    revision: digest.slice(7, 17),
    modelVersionName: name,
    modelVersion: digest.slice(7, 17),
    variant: 'file',
    digest,
    size: bytes.length,
    runtime: { threads },
  };
}
