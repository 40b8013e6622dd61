// `jouleops benchmark`: the controlled loop for one file on this machine, without any server.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Logger } from 'pino';
import type { EnergyTestStatus } from '../crds/model-instance.ts';
import type { Boundary } from '../crds/shared.ts';
import { formatPower } from '../energy/units.ts';
import type { Clock } from '../kube/runtime/clock.ts';
import { storeLocalModel } from './artifacts/local-model.ts';
import { systemDisk } from './disk/disk.ts';
import { runEnergyTest } from './measurement/energy-test.ts';
import { loadSubject } from './measurement/load-subject.ts';
import { openBoard } from './start/board.ts';
import { createLoader } from './start/loader.ts';
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
    const { power, telemetry } = board;
    const measurement = createMeasurement(agentOptions, { clock, board, learned, deviceClassName: () => undefined });
    sampling = Promise.all([power.run(both), telemetry.run(both)]);
    const { file } = options;
    const about = { name: path.basename(file, '.onnx'), variant: 'file', runtime: { threads } };
    const slot = await storeLocalModel(store, await readFile(file), about);
    const loader = createLoader({ clock, logger, store, board, measurement });
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
        model: path.basename(file),
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
