import { access } from 'node:fs/promises';
import { type BenchmarkResult, runBenchmark } from '../../agent/benchmark.ts';
import { boundaries } from '../../energy/prediction/prediction.ts';
import { formatMilliseconds } from '../../energy/units.ts';
import { counted } from '../../kube/meta/counted.ts';
import { systemClock } from '../../kube/runtime/clock.ts';
import { CommandError } from '../exit-codes.ts';
import { numberIn, wholeNumberIn } from '../flags/number.ts';
import { oneOf } from '../flags/one-of.ts';
import { checkSimulatedClass } from '../flags/simulated-class.ts';
import { createLogger } from '../logger.ts';
import { parseOutputFormat, printJson } from '../output/format.ts';

interface BenchmarkFlags {
  simulate?: string;
  boundary: string;
  windows: string;
  windowSeconds: string;
  threads: string;
  pathSysfs: string;
  pathProcfs: string;
  output: string;
}

export async function benchmark(file: string, flags: BenchmarkFlags, signal: AbortSignal): Promise<void> {
  if (flags.simulate !== undefined) checkSimulatedClass(flags.simulate);
  const boundary = oneOf('--boundary', flags.boundary, boundaries);
  const format = parseOutputFormat(flags.output);
  await access(file).catch((error: Error) => {
    throw new CommandError(`${file}: ${error.message}`, 'name an .onnx file that can be read', { cause: error });
  });
  const result = await runBenchmark(
    {
      file,
      boundary,
      windows: wholeNumberIn('--windows', flags.windows, 6, 96),
      windowSeconds: numberIn('--window-seconds', flags.windowSeconds, 0.1, 600),
      threads: wholeNumberIn('--threads', flags.threads, 1, 256),
      pathSysfs: flags.pathSysfs,
      pathProcfs: flags.pathProcfs,
      ...(flags.simulate === undefined ? {} : { simulate: flags.simulate }),
    },
    {
      clock: systemClock,
      logger: createLogger({}),
      onProgress: ({ state, windowsDone, windows }) => {
        if (process.stderr.isTTY) process.stderr.write(`\r${state}: ${windowsDone} of ${windows} windows `);
      },
    },
    signal,
  );
  if (process.stderr.isTTY) process.stderr.write('\n');
  if (format === 'json') printJson(result);
  else process.stdout.write(tableOf(result));
}

function tableOf(result: BenchmarkResult): string {
  const { test, latencyMicroseconds: latency } = result;
  const milliseconds = (value: number | undefined) => (value === undefined ? '-' : formatMilliseconds(value / 1e6));
  const energy = test.energy
    ? `${test.energy.value} [${test.energy.lower}, ${test.energy.upper}] ${test.energy.quantity}, from ${test.energy.source}`
    : `not measured (${test.energyAbsent?.reason ?? test.reason ?? 'NotMeasuredYet'}): ${test.energyAbsent?.message ?? test.message ?? 'the windows were too few'}`;
  const rows: [string, string][] = [
    ['model', result.model],
    ['board', result.board],
    ['boundary', result.boundary],
    ['latency p50', milliseconds(latency?.p50)],
    ['latency p95', milliseconds(latency?.p95)],
    ['latency p99', milliseconds(latency?.p99)],
    ['energy per inference', energy],
    ['idle power', result.idlePower ?? 'not measured'],
    [
      'windows',
      `${test.windowsDone} of ${test.windows}, ${counted(test.inferences ?? 0, 'inference')}, ${counted(test.errors ?? 0, 'error')}`,
    ],
    ['spent on this', test.energySpent ?? 'not measured'],
    ['temperature', result.temperatureCelsius === null ? 'no sensor' : `${result.temperatureCelsius.toFixed(1)} °C`],
    ['throttled', result.throttled.length === 0 ? 'no' : result.throttled.join(', ')],
  ];
  const missing = result.sources.length > 0 ? [] : result.notFound.map((line): [string, string] => ['looked for', line]);
  return [...rows, ...missing].map(([name, value]) => `${name.padEnd(22)}${value}\n`).join('');
}
