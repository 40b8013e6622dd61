// What reading power from sysfs once a second costs.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { detectSources } from '../../agent/power/detect-sources.ts';
import { NodePower } from '../../agent/power/node-power.ts';
import { systemClock } from '../../kube/runtime/clock.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { type Bench, type BenchOptions, type BenchResult, countOption } from './harness/bench.ts';
import { judged, percent } from './harness/format.ts';

const goalRatio = 0.005;
const channel = (index: number, label: string) => {
  const base = 'bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3';
  return { [`${base}/in${index}_label`]: label, [`${base}/in${index}_input`]: '4992', [`${base}/curr${index}_input`]: '760' };
};
const zone = (index: number, name: string) => ({
  [`class/powercap/intel-rapl:${index}/name`]: name,
  [`class/powercap/intel-rapl:${index}/max_energy_range_uj`]: '262143328850',
  [`class/powercap/intel-rapl:${index}/energy_uj`]: '262143000',
});
const boards: Readonly<Record<string, Record<string, string>>> = {
  'Jetson: INA3221 with three rails': {
    ...channel(1, 'VDD_IN'),
    ...channel(2, 'VDD_CPU_GPU_CV'),
    ...channel(3, 'VDD_SOC'),
  },
  'PC: two RAPL packages, an ACPI meter, a battery': {
    ...zone(0, 'package-0'),
    ...zone(1, 'package-1'),
    'class/hwmon/hwmon0/name': 'power_meter',
    'class/hwmon/hwmon0/power1_average': '42000000',
    'class/power_supply/BAT0/type': 'Battery',
    'class/power_supply/BAT0/status': 'Discharging',
    'class/power_supply/BAT0/power_now': '7250000',
  },
};

/** Seconds of processor time of this process while `forSeconds` pass. */
async function cpuSecondsOver(forSeconds: number): Promise<number> {
  const before = process.cpuUsage();
  await delay(forSeconds * 1000);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

async function run(options: BenchOptions): Promise<BenchResult> {
  const forSeconds = countOption(options, 'seconds', 20);
  const rows: string[][] = [];
  for (const [board, files] of Object.entries(boards)) {
    const root = await mkdtemp(join(tmpdir(), 'jouleops-sampling-'));
    const over = new AbortController();
    try {
      for (const [file, content] of Object.entries(files)) {
        await mkdir(dirname(join(root, file)), { recursive: true });
        await writeFile(join(root, file), `${content}\n`);
      }
      const power = new NodePower(await detectSources({ pathSysfs: root }, options.signal), {
        clock: systemClock,
        logger: silentLogger,
      });
      const alone = await cpuSecondsOver(forSeconds);
      const running = power.run(over.signal);
      await delay(2000);
      const with1Hz = await cpuSecondsOver(forSeconds);
      over.abort();
      await running;
      const ratio = Math.max(0, with1Hz - alone) / forSeconds;
      rows.push([board, String(power.meters.length), judged(percent(ratio), ratio <= goalRatio)]);
    } finally {
      over.abort();
      await rm(root, { recursive: true, force: true });
    }
  }
  return {
    tables: [
      {
        caption: `Files laid out as on these machines, read at the pace of each source (1 Hz; a battery 0.5 Hz) for ${forSeconds} s, less what the process takes without.`,
        columns: ['machine', 'sources', 'processor time, of one core (goal ≤ 0.5 %)'],
        rows,
      },
    ],
    remarks: ['On a board a read of an INA chip also waits for its I²C bus, in the kernel and not on the processor.'],
  };
}

export const bench: Bench = { title: 'Sampling power', run };
