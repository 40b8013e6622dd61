import { rm } from 'node:fs/promises';
import path from 'node:path';
import { RecordMismatchError } from '../../agent/calibration/calibration-record.ts';
import { NoPowerSourceError, type PushPort } from '../../agent/calibration/power-choice.ts';
import {
  type CalibrationOptions,
  type CalibrationRun,
  runCalibration,
  UnknownBoardError,
} from '../../agent/calibration/run-calibration.ts';
import type { Boundary } from '../../crds/shared.ts';
import { leastProbes } from '../../energy/calibration/board-predictor.ts';
import type { ProbeCandidate } from '../../energy/onnx/networks/probe-candidates.ts';
import { anchorProbeName, probes as shippedProbes } from '../../energy/onnx/networks/probes.ts';
import { boundaries } from '../../energy/prediction/prediction.ts';
import { systemClock } from '../../kube/runtime/clock.ts';
import { describeStep, formatResult, resultOf } from '../calibration/report.ts';
import { readSources } from '../calibration/sources.ts';
import { writePredictor } from '../calibration/write-predictor.ts';
import { makeDataDirectory } from '../data-directory.ts';
import { CommandError, exitCodes, usageError } from '../exit-codes.ts';
import { numberIn, parsePort, wholeNumberIn } from '../flags/number.ts';
import { oneOf } from '../flags/one-of.ts';
import { checkSimulatedClass } from '../flags/simulated-class.ts';
import { createLogger } from '../logger.ts';
import { parseOutputFormat, printJson } from '../output/format.ts';

export interface CalibrateFlags {
  class?: string;
  out: string;
  boundary?: string;
  from?: string[];
  simulate?: string;
  misfit?: string;
  listen?: string;
  windows: string;
  windowSeconds: string;
  threads: string;
  acceptDrift: boolean;
  restart: boolean;
  pathSysfs: string;
  pathProcfs: string;
  output: string;
}

const classPattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Steps go to the error stream, the result to the output. @param probes tests bring smaller ones. */
export async function calibrate(
  flags: CalibrateFlags,
  signal: AbortSignal,
  probes: readonly ProbeCandidate[] = shippedProbes(),
  anchor = anchorProbeName,
): Promise<void> {
  const format = parseOutputFormat(flags.output);
  const options = optionsOf(flags, probes, anchor);
  const sources = await readSources(flags.from);
  await makeDataDirectory(flags.out, '--out');
  const started = performance.now();
  const run = await measured(options, flags, signal);
  const { next } = run.progress;
  if (next.kind === 'Drifted')
    throw new CommandError(
      `the board drifts: after ${next.probes.join(', ')} the anchor ${anchor} needed ${next.driftPercent.toFixed(1)} % more or less than at the start, twice in a row`,
      `end what else runs, let the board warm up or cool down, and begin again with --restart; --accept-drift goes on with ${run.file} and says so on the card`,
      { exitCode: exitCodes.negative },
    );
  if (next.kind !== 'Finished')
    throw new CommandError(
      `the anchor ${anchor} could not be measured: ${lastReason(run.record.steps)}`,
      'mend that, and run the same command again: what was measured before stands',
      { exitCode: exitCodes.negative },
    );
  const written = await writePredictor(run, sources, flags.out);
  if (!written)
    throw new CommandError(
      `${run.record.steps.filter(({ outcome }) => outcome.kind === 'Measured').length} measurements are too few: a predictor needs ${leastProbes} probes; the last reason: ${lastReason(run.record.steps)}`,
      'mend that, and begin again with --restart',
      { exitCode: exitCodes.negative },
    );
  const { artifact, ...files } = written;
  const result = resultOf(run, artifact, { ...files, seconds: (performance.now() - started) / 1000 });
  if (format === 'json') printJson(result);
  else process.stdout.write(formatResult(result));
}

function optionsOf(flags: CalibrateFlags, probes: readonly ProbeCandidate[], anchor: string): CalibrationOptions {
  if (flags.simulate !== undefined) checkSimulatedClass(flags.simulate);
  if (flags.misfit !== undefined && flags.simulate === undefined)
    throw usageError('--misfit is for a simulated board', 'say --simulate CLASS as well, or leave --misfit out');
  if (flags.listen !== undefined && flags.simulate !== undefined)
    throw usageError('--listen and --simulate exclude each other', 'measured and simulated power are never mixed: leave one out');
  if (flags.class !== undefined && !classPattern.test(flags.class))
    throw usageError(`--class ${flags.class} is no name of a class`, 'use small letters, digits and hyphens, at most 63');
  const pushPort = flags.listen === undefined ? undefined : parseListen(flags.listen);
  return {
    windows: wholeNumberIn('--windows', flags.windows, 2, 96),
    windowSeconds: numberIn('--window-seconds', flags.windowSeconds, 0.1, 600),
    threads: wholeNumberIn('--threads', flags.threads, 1, 256),
    recordFile: (deviceClass, boundary) => recordFile(flags.out, deviceClass, boundary),
    workDirectory: path.join(flags.out, '.work'),
    probes,
    anchor,
    acceptDrift: flags.acceptDrift,
    restart: flags.restart,
    pathSysfs: flags.pathSysfs,
    pathProcfs: flags.pathProcfs,
    ...(flags.class === undefined ? {} : { deviceClass: flags.class }),
    ...(flags.boundary === undefined ? {} : { boundary: oneOf('--boundary', flags.boundary, boundaries) }),
    ...(flags.simulate === undefined ? {} : { simulate: flags.simulate }),
    ...(flags.misfit === undefined ? {} : { simulateMisfit: wholeNumberIn('--misfit', flags.misfit, 1, 2 ** 31) }),
    ...(pushPort === undefined ? {} : { pushPort }),
  };
}

async function measured(options: CalibrationOptions, flags: CalibrateFlags, signal: AbortSignal): Promise<CalibrationRun> {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const pushPort = options.pushPort && {
    ...options.pushPort,
    onListening: (url: string) => say(`waiting for the first push to ${url}/telemetry`),
  };
  try {
    return await runCalibration(
      { ...options, ...(pushPort === undefined ? {} : { pushPort }) },
      {
        clock: systemClock,
        logger: createLogger(),
        onStep: (report) => {
          for (const line of describeStep(report)) say(line);
        },
      },
      signal,
    );
  } catch (error) {
    if (error instanceof NoPowerSourceError)
      throw new CommandError(
        `${error.message}, so nothing can be measured${error.looked.map((line) => `\n    looked for ${line}`).join('')}`,
        'let another program push what a meter says (--listen 127.0.0.1:7501), choose another --boundary, or try it out with --simulate CLASS',
        { cause: error },
      );
    if (error instanceof UnknownBoardError) throw usageError(error.message, 'name its class with --class', error);
    if (error instanceof RecordMismatchError)
      throw new CommandError(error.message, 'write elsewhere with --out, or forget what was measured with --restart', {
        exitCode: exitCodes.negative,
        cause: error,
      });
    throw error;
  } finally {
    await rm(path.join(flags.out, '.work'), { recursive: true, force: true });
  }
}

function recordFile(out: string, deviceClass: string, boundary: Boundary): string {
  return path.join(out, `${deviceClass}-${boundary.toLowerCase()}.measurements.json`);
}

function lastReason(steps: CalibrationRun['record']['steps']): string {
  const outcome = steps.findLast((step) => step.outcome.kind === 'LeftOut')?.outcome;
  return outcome?.kind === 'LeftOut' ? `${outcome.reason}, ${outcome.message}` : 'none was left out';
}

/** `127.0.0.1:7501`, `[::1]:0`. */
function parseListen(text: string): PushPort {
  const [, host, port] = /^(.+):(\d+)$/.exec(text) ?? [];
  if (host === undefined || port === undefined)
    throw usageError(`--listen ${text} is no address`, 'write address and port: 127.0.0.1:7501');
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: parsePort('--listen', port), onListening: () => {} };
}
