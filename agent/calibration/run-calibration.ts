// `jouleops calibrate`: measures the probes on this machine one after another, and keeps what it has measured.
import { mkdir, rm } from 'node:fs/promises';
import type { Logger } from 'pino';
import { simulatedSuffix } from '../../crds/names.ts';
import type { Boundary } from '../../crds/shared.ts';
import { type NextStep, type ProbePlan, type Progress, progressOf } from '../../energy/calibration/probe-plan.ts';
import type { ProbeCandidate } from '../../energy/onnx/networks/probe-candidates.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import { systemDisk } from '../disk/disk.ts';
import type { AgentOptions } from '../options.ts';
import type { PowerMeter } from '../power/power-meter.ts';
import { type Board, openBoard } from '../start/board.ts';
import { createMeasurement } from '../start/measurement.ts';
import { openState } from '../start/state.ts';
import {
  type CalibrationRecord,
  type CalibrationSetup,
  type CalibrationStep,
  checkSameSetup,
  readRecord,
  recordFormat,
  writeRecord,
} from './calibration-record.ts';
import { type WindowPlan, windowFactor } from './measure-network.ts';
import { chooseMeter, listenForPushes, type PushPort } from './power-choice.ts';
import { ProbeBench } from './probe-bench.ts';
import { lockRun } from './run-lock.ts';

export interface CalibrationOptions extends WindowPlan {
  /** Default: what the machine is recognised as, or the simulated class. */
  deviceClass?: string;
  boundary?: Boundary;
  simulate?: string;
  simulateMisfit?: number;
  threads: number;
  /** Where the record is kept. Its directory exists. */
  recordFile: (deviceClass: string, boundary: Boundary) => string;
  /** Artifacts of the probes while they run; removed at the end. */
  workDirectory: string;
  probes: readonly ProbeCandidate[];
  anchor: string;
  acceptDrift: boolean;
  /** Forgets what was measured before. */
  restart: boolean;
  pathSysfs: string;
  pathProcfs: string;
  pushPort?: PushPort;
}

export interface StepReport {
  /** What comes next, and how many are left with it. */
  next: NextStep;
  remaining: number;
  /** How long they will take. */
  remainingSeconds: number;
  /** What was just measured. */
  last?: CalibrationStep;
  resumed: number;
}

export interface CalibrationRun {
  record: CalibrationRecord;
  file: string;
  progress: Progress;
}

/** The machine is none that is known by its name. */
export class UnknownBoardError extends Error {
  override readonly name = 'UnknownBoardError';
}

const probesPerBlock = 5;
const driftGate = 0.03;
/** Writing, reading, loading and warming a probe up; until it is known how long that takes here. */
const overheadSeconds = 8;
/** Before a block is measured again, so that the board cools. */
const pauseWindows = 6;

export function planOf(setup: Pick<CalibrationSetup, 'probes' | 'anchor'>, acceptDrift: boolean): ProbePlan {
  return { probes: setup.probes, anchor: setup.anchor, perBlock: probesPerBlock, driftGate, acceptDrift };
}

export function progressOfRecord(record: CalibrationRecord, acceptDrift: boolean): Progress {
  return progressOf(
    planOf(record.setup, acceptDrift),
    record.steps.map(({ probe, outcome }) =>
      outcome.kind === 'Measured'
        ? { probe, measured: { log: Math.log(outcome.joules), logVariance: outcome.joulesLogVariance } }
        : { probe },
    ),
  );
}

/** A run that ended because its anchor could not be measured tries it again when it is started again: what was measured before stands. */
export function withoutFailedAnchor(record: CalibrationRecord): CalibrationRecord {
  if (progressOfRecord(record, true).next.kind !== 'NoAnchor') return record;
  const { anchor } = record.setup;
  const last = record.steps.findLastIndex(({ probe, outcome }) => probe !== anchor || outcome.kind === 'Measured');
  return { ...record, steps: record.steps.slice(0, last + 1) };
}

/** @throws NoPowerSourceError, UnknownBoardError, RecordMismatchError, or Error when the class cannot be simulated. */
export async function runCalibration(
  options: CalibrationOptions,
  deps: { clock: Clock; logger: Logger; onStep: (report: StepReport) => void },
  signal: AbortSignal,
): Promise<CalibrationRun> {
  const { clock, logger } = deps;
  // What a killed run left there is of no use: the record holds all.
  await rm(options.workDirectory, { recursive: true, force: true });
  await mkdir(options.workDirectory, { recursive: true });
  const ended = new AbortController();
  const both = AbortSignal.any([signal, ended.signal]);
  const { windowSeconds, pathSysfs, pathProcfs, simulate, simulateMisfit } = options;
  const agentOptions: AgentOptions = {
    name: 'calibration',
    dataDirectory: options.workDirectory,
    pathSysfs,
    pathProcfs,
    ...(simulate === undefined ? {} : { simulate }),
    ...(simulateMisfit === undefined ? {} : { simulateMisfit }),
  };
  let sampling: Promise<unknown> = Promise.resolve();
  try {
    const { store, learned } = await openState(agentOptions, { logger, disk: systemDisk });
    const board = await openBoard(agentOptions, { clock, logger, store }, both);
    sampling = Promise.all([board.power.run(both), board.telemetry.run(both)]);
    await using _pushes = options.pushPort && (await listenForPushes(options.pushPort, board.power, deps, both));
    const meter = chooseMeter(board.power, options.boundary, options.pushPort !== undefined);
    const factor = windowFactor(meter.source);
    const measurement = createMeasurement(
      { ...agentOptions, windowSeconds: factor * windowSeconds },
      { clock, board, learned, deviceClassName: () => undefined },
    );
    const setup = setupOf(options, board, meter);
    const file = options.recordFile(setup.deviceClass, setup.boundary);
    await using _lock = await lockRun(file);
    const before = options.restart ? undefined : await readRecord(file);
    if (before) checkSameSetup(file, before.setup, setup);
    const startTime = new Date(clock.now()).toISOString();
    const record: CalibrationRecord = before
      ? withoutFailedAnchor(before)
      : { format: recordFormat, startTime, setup, steps: [], features: {} };
    const { boundary } = setup;
    const bench = new ProbeBench({ ...options, boundary }, { clock, logger, board, measurement, store, meter });
    const progress = await measureAll(
      options,
      { ...deps, bench, file, record, stepSeconds: options.windows * factor * windowSeconds + overheadSeconds },
      both,
    );
    return { record, file, progress };
  } finally {
    ended.abort(new Error('the calibration is over'));
    await sampling.catch(() => {});
    await rm(options.workDirectory, { recursive: true, force: true });
  }
}

interface Course {
  clock: Clock;
  onStep: (report: StepReport) => void;
  bench: ProbeBench;
  file: string;
  record: CalibrationRecord;
  /** Expected of one measurement. */
  stepSeconds: number;
}

async function measureAll(options: CalibrationOptions, course: Course, signal: AbortSignal): Promise<Progress> {
  const { clock, onStep, bench, file, record } = course;
  const byName = new Map(options.probes.map((probe) => [probe.name, probe]));
  const resumed = record.steps.length;
  const started = clock.monotonic();
  for (let paused = 0; ; ) {
    const progress = progressOfRecord(record, options.acceptDrift);
    const { next, remaining } = progress;
    const last = record.steps.length > resumed ? record.steps.at(-1) : undefined;
    const done = record.steps.length - resumed;
    const each = done === 0 ? course.stepSeconds : (clock.monotonic() - started) / 1000 / done;
    onStep({ next, remaining, remainingSeconds: remaining * each, resumed, ...(last === undefined ? {} : { last }) });
    if (next.kind !== 'Measure') return progress;
    const probe = byName.get(next.probe);
    if (!probe) throw new Error(`there is no probe ${next.probe}: start over with --restart`);
    if (next.attempt > 1 && paused <= next.block) {
      paused = next.block + 1;
      await clock.sleep(pauseWindows * options.windowSeconds * 1000, signal);
    }
    await rememberIdle(record, bench, signal);
    const { outcome, features } = await bench.measure(probe, signal);
    if (features) record.features[probe.name] = features;
    record.steps.push({ probe: probe.name, time: new Date(clock.now()).toISOString(), outcome });
    await writeRecord(file, record);
  }
}

async function rememberIdle(record: CalibrationRecord, bench: ProbeBench, signal: AbortSignal): Promise<void> {
  if (record.idleWatts !== undefined) return;
  const watts = await bench.idleWatts(signal);
  if (watts !== undefined) record.idleWatts = watts;
}

function setupOf(options: CalibrationOptions, board: Board, { source }: PowerMeter): CalibrationSetup {
  const { simulate, threads, probes, anchor } = options;
  const known = simulate === undefined ? board.classKey.board : `${simulate}${simulatedSuffix}`;
  const deviceClass = options.deviceClass ?? known;
  if (deviceClass === undefined)
    throw new UnknownBoardError(
      `this machine (${board.machine.boardModel ?? board.machine.architecture}) is no board that is known by name`,
    );
  return {
    deviceClass,
    key: { ...board.classKey, board: board.classKey.board ?? deviceClass, threads },
    boardModel: board.machine.boardModel ?? board.machine.architecture,
    simulated: board.simulated,
    boundary: source.boundary,
    source: source.name,
    threads,
    probes: probes.map(({ name }) => name).filter((name) => name !== anchor),
    anchor,
  };
}
