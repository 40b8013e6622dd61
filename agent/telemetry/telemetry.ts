// The device's own state, sampled in the background: a scrape or a status only reads what is here.
import { readdir, readFile, statfs } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../kube/runtime/clock.ts';
import {
  type NetworkCounter,
  type Pressure,
  parseCpuSeconds,
  parseMemory,
  parseNetwork,
  parsePressure,
  parseTemperature,
} from './parse.ts';
import type { ThrottleReader } from './throttling.ts';

export interface Health {
  memoryPressure?: boolean;
  diskPressure?: boolean;
  thermalPressure?: boolean;
  clockSynchronized?: boolean;
  batteryPercent?: number;
  /** Reasons now, such as `undervoltage`. */
  throttled: readonly string[];
}

export interface Sample {
  cpuSeconds: Readonly<Record<string, number>>;
  memory?: { totalBytes: number; availableBytes: number };
  storage?: { totalBytes: number; availableBytes: number };
  temperatures: readonly { sensor: string; celsius: number }[];
  network: readonly NetworkCounter[];
  /** By resource; only of those that the kernel tells of. */
  pressure: Readonly<Record<string, Pressure>>;
  throttled: readonly string[];
  /** Whether this board says when it is throttled. */
  throttlingShown: boolean;
  batteryPercent?: number;
  clockSynchronized?: boolean;
}

interface Options {
  pathSysfs: string;
  pathProcfs: string;
  /** Where time daemons say how they stand. Default `/run`. */
  pathRun?: string;
  artifactDirectory: string;
  intervalSeconds: number;
}

const scarce = 0.05;
const hotReasons = new Set(['frequency-capped', 'throttled', 'soft-temperature-limit', 'thermal']);

export class Telemetry {
  readonly #options: Options;
  readonly #clock: Clock;
  readonly #throttling: ThrottleReader;
  #sample: Sample = { cpuSeconds: {}, temperatures: [], network: [], pressure: {}, throttled: [], throttlingShown: false };

  constructor(options: Options, deps: { clock: Clock; throttling: ThrottleReader }) {
    this.#options = options;
    this.#clock = deps.clock;
    this.#throttling = deps.throttling;
  }

  get sample(): Sample {
    return this.#sample;
  }

  /** Of the processor, or of the first sensor that there is. */
  get temperature(): number | undefined {
    const { temperatures } = this.#sample;
    return (temperatures.find(({ sensor }) => /cpu|soc|package|core/i.test(sensor)) ?? temperatures[0])?.celsius;
  }

  /** Processor seconds since the machine started, idle and waiting left out; read now. Undefined where the system does not tell. */
  async busyCpuSeconds(): Promise<number | undefined> {
    const stat = await text(path.join(this.#options.pathProcfs, 'stat'));
    if (stat === undefined) return undefined;
    const { idle: _, iowait: __, ...busy } = parseCpuSeconds(stat);
    return Object.values(busy).reduce((sum, seconds) => sum + seconds, 0);
  }

  get health(): Health {
    const { memory, storage, throttled, throttlingShown, batteryPercent, clockSynchronized } = this.#sample;
    return {
      throttled,
      ...(memory === undefined ? {} : { memoryPressure: memory.availableBytes < scarce * memory.totalBytes }),
      ...(storage === undefined ? {} : { diskPressure: storage.availableBytes < scarce * storage.totalBytes }),
      ...(throttlingShown ? { thermalPressure: throttled.some((reason) => hotReasons.has(reason)) } : {}),
      ...(clockSynchronized === undefined ? {} : { clockSynchronized }),
      ...(batteryPercent === undefined ? {} : { batteryPercent }),
    };
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.refresh();
      await this.#clock.sleep(this.#options.intervalSeconds * 1000, signal).catch(() => {});
    }
  }

  async refresh(): Promise<void> {
    const { pathProcfs, pathSysfs, pathRun = '/run', artifactDirectory } = this.#options;
    const [stat, meminfo, network, pressure, disk, temperatures, throttling, batteryPercent, clockSynchronized] =
      await Promise.all([
        text(path.join(pathProcfs, 'stat')),
        text(path.join(pathProcfs, 'meminfo')),
        text(path.join(pathProcfs, 'net/dev')),
        readPressure(pathProcfs),
        statfs(artifactDirectory).catch(() => undefined),
        readTemperatures(pathSysfs),
        this.#throttling.read(),
        readBattery(pathSysfs),
        readClockSynchronized(pathRun),
      ]);
    const memory = meminfo === undefined ? undefined : parseMemory(meminfo);
    this.#sample = {
      cpuSeconds: stat === undefined ? {} : parseCpuSeconds(stat),
      temperatures,
      network: network === undefined ? [] : parseNetwork(network),
      pressure,
      throttled: throttling.reasons,
      throttlingShown: throttling.shown,
      ...(memory === undefined ? {} : { memory }),
      ...(disk === undefined
        ? {}
        : { storage: { totalBytes: disk.blocks * disk.bsize, availableBytes: disk.bavail * disk.bsize } }),
      ...(batteryPercent === undefined ? {} : { batteryPercent }),
      ...(clockSynchronized === undefined ? {} : { clockSynchronized }),
    };
  }
}

async function readTemperatures(pathSysfs: string): Promise<{ sensor: string; celsius: number }[]> {
  const directory = path.join(pathSysfs, 'class/thermal');
  const zones = (await readdir(directory).catch(() => []))
    .filter((name) => name.startsWith('thermal_zone'))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const readings = await Promise.all(
    zones.map(async (zone) => {
      const [type, value] = await Promise.all([
        text(path.join(directory, zone, 'type')),
        text(path.join(directory, zone, 'temp')),
      ]);
      const celsius = value === undefined ? undefined : parseTemperature(value);
      return celsius === undefined ? [] : [{ sensor: type?.trim() ?? zone, celsius }];
    }),
  );
  return readings.flat();
}

async function readPressure(pathProcfs: string): Promise<Record<string, Pressure>> {
  const read = async (resource: string) => {
    const content = await text(path.join(pathProcfs, 'pressure', resource));
    const pressure = content === undefined ? undefined : parsePressure(content);
    return pressure === undefined ? [] : [[resource, pressure] as const];
  };
  return Object.fromEntries((await Promise.all(['cpu', 'memory', 'io'].map(read))).flat());
}

async function readBattery(pathSysfs: string): Promise<number | undefined> {
  const directory = path.join(pathSysfs, 'class/power_supply');
  for (const name of (await readdir(directory).catch((): string[] => [])).sort((a, b) => a.localeCompare(b))) {
    if ((await text(path.join(directory, name, 'type')))?.trim() !== 'Battery') continue;
    const percent = Number(await text(path.join(directory, name, 'capacity')));
    if (Number.isFinite(percent) && percent >= 0 && percent <= 100) return percent;
  }
  return undefined;
}

/** systemd-timesyncd has a directory while it runs, and a file in it from its first answer on. Other time daemons say nothing there. */
async function readClockSynchronized(pathRun: string): Promise<boolean | undefined> {
  const names = await readdir(path.join(pathRun, 'systemd/timesync')).catch(() => undefined);
  return names?.includes('synchronized');
}

async function text(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
}
