import { destination, pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { describeSensors } from '../../../agent/http/system-handler.ts';
import { detectSources } from '../../../agent/power/detect-sources.ts';
import { NodePower } from '../../../agent/power/node-power.ts';
import { PowerMeter } from '../../../agent/power/power-meter.ts';
import type { PowerSource } from '../../../agent/power/power-source.ts';
import type { RunCommand } from '../../../agent/power/sources/command.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { sysfsTree } from './sysfs-tree.ts';

const never = new AbortController().signal;
const logger = pino({ level: 'silent' }, destination({ dest: 2, sync: true }));
const missing: RunCommand = () => Promise.reject(Object.assign(new Error('spawn ENOENT'), { code: 'ENOENT' }));
const orin = (millivolts: number, milliamperes: number) => {
  const base = 'bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3';
  const channel = (index: number, label: string, mv: number, ma: number) => ({
    [`${base}/in${index}_label`]: label,
    [`${base}/in${index}_input`]: String(mv),
    [`${base}/curr${index}_input`]: String(ma),
  });
  return {
    ...channel(1, 'VDD_IN', millivolts, milliamperes),
    ...channel(2, 'VDD_CPU_GPU_CV', 5000, 100),
    ...channel(3, 'VDD_SOC', 5000, 200),
  };
};

async function powerOf(pathSysfs: string, run: RunCommand = missing) {
  const clock = new FakeClock();
  return { clock, power: new NodePower(await detectSources({ pathSysfs, run }, never), { clock, logger }) };
}

describe('energy of a node', () => {
  it('is that of its total: rails have series of their own and are never added', async () => {
    await using tree = await sysfsTree(orin(5000, 1000));
    const { clock, power } = await powerOf(tree.root);
    const { total } = power;
    await total?.sample(never);
    await clock.advance(1000);
    await total?.sample(never);
    expect(total?.total.joules).toBeCloseTo(5, 9);
    expect(total?.rails).toEqual([
      { name: 'VDD_CPU_GPU_CV', joules: expect.closeTo(0.5, 9) as number },
      { name: 'VDD_SOC', joules: expect.closeTo(1, 9) as number },
    ]);
  });

  it('ends with its sensor: no last value, no zero, and nothing for the time between', async () => {
    await using tree = await sysfsTree(orin(5000, 1000));
    const { clock, power } = await powerOf(tree.root);
    const { total } = power;
    await total?.sample(never);
    await clock.advance(1000);
    await total?.sample(never);
    await tree.remove('bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3/in1_input');
    await clock.advance(1000);
    await total?.sample(never);
    expect(total).toMatchObject({ up: false, watts: undefined });
    await tree.write('bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3/in1_input', '5000');
    await clock.advance(60_000);
    await total?.sample(never);
    expect(total).toMatchObject({ up: true, watts: 5 });
    expect(total?.total.joules).toBeCloseTo(5, 9);
    // What a window between such edges would take for measured.
    expect(total?.total.gapSeconds).toBe(61);
  });
});

describe('sources that other tests do not read', () => {
  it('add the sockets of amd_energy, and take an ACPI meter for the board', async () => {
    await using tree = await sysfsTree({
      'class/hwmon/hwmon0/name': 'amd_energy',
      'class/hwmon/hwmon0/energy1_label': 'Ecore000',
      'class/hwmon/hwmon0/energy1_input': '999000000',
      'class/hwmon/hwmon0/energy2_label': 'Esocket0',
      'class/hwmon/hwmon0/energy2_input': '1500000',
      'class/hwmon/hwmon0/energy3_label': 'Esocket1',
      'class/hwmon/hwmon0/energy3_input': '2500000',
      'class/hwmon/hwmon1/name': 'power_meter',
      'class/hwmon/hwmon1/power1_average': '42000000',
    });
    const { power } = await powerOf(tree.root);
    const [sockets, platform] = power.meters.map((meter) => meter.source);
    expect(sockets).toMatchObject({ boundary: 'Package' });
    expect((await sockets?.read(never))?.reading).toEqual({ kind: 'energy', joules: 4 });
    expect(power.total?.source).toBe(platform);
    expect((await platform?.read(never))?.reading).toEqual({ kind: 'power', watts: 42 });
  });

  it('have a name each, also where two chips call themselves alike', async () => {
    const chip = (entry: string, name: string) => ({
      [`class/hwmon/${entry}/name`]: name,
      [`class/hwmon/${entry}/power1_${name === 'power_meter' ? 'average' : 'input'}`]: '42000000',
    });
    await using tree = await sysfsTree({
      ...chip('hwmon1', 'power_meter'),
      ...chip('hwmon2', 'power_meter'),
      ...chip('hwmon3', 'ina219'),
      ...chip('hwmon30', 'ina219'),
    });
    const { power } = await powerOf(tree.root);
    expect(power.meters.map((meter) => meter.source.name)).toEqual([
      'hwmon:power_meter',
      'hwmon:power_meter-2',
      'ina219:hwmon3',
      'ina219:hwmon30',
    ]);
  });

  it('are read once at a time, whoever asks', async () => {
    let reading = 0;
    let most = 0;
    const clock = new FakeClock();
    const source: PowerSource = {
      name: 'slow',
      kind: 'hwmon',
      boundary: 'Board',
      resolution: { watts: 0.01 },
      intervalMilliseconds: 1000,
      onDemand: false,
      partial: false,
      notes: [],
      read: async () => {
        most = Math.max(most, ++reading);
        await clock.sleep(10, never);
        reading--;
        return { reading: { kind: 'power', watts: 1 } };
      },
    };
    const meter = new PowerMeter(source, { clock, logger });
    const samples = Promise.all([meter.sample(never), meter.sample(never), meter.sample(never)]);
    for (let step = 0; step < 3; step++) await clock.advance(10);
    await samples;
    expect(most).toBe(1);
  });

  it('read a battery that shows its power, in microwatts of either sign', async () => {
    await using tree = await sysfsTree({
      'class/power_supply/BAT1/type': 'Battery',
      'class/power_supply/BAT1/status': 'Discharging',
      'class/power_supply/BAT1/power_now': '-7250000',
    });
    const { power } = await powerOf(tree.root);
    expect((await power.total?.source.read(never))?.reading).toEqual({ kind: 'power', watts: 7.25 });
  });

  it('never take a graphics card for the node, nor one without a meter for one that draws nothing', async () => {
    await using tree = await sysfsTree({});
    const run: RunCommand = (file, args, signal) =>
      file === 'nvidia-smi' ? Promise.resolve('0, 34.71\n1, [N/A]\n') : missing(file, args, signal);
    const { power } = await powerOf(tree.root, run);
    expect(power.meters.map((meter) => meter.source.name)).toEqual(['nvidia-smi:0']);
    expect(power.total).toBeUndefined();
    expect(power.at('Package')).toBeUndefined();
  });
});

describe('/debug/sensors', () => {
  it('says of each source its boundary, its step and what it can tell from nothing, and of the others why not', async () => {
    await using tree = await sysfsTree(orin(4992, 760));
    const { power } = await powerOf(tree.root);
    const sensors = describeSensors(power);
    expect(sensors.total).toBe('ina3221:VDD_IN');
    expect(sensors.sources).toEqual([
      expect.objectContaining({
        name: 'ina3221:VDD_IN',
        boundary: 'Module',
        resolution: { watts: 0.04 },
        minimumDetectableJoulesPerTenSeconds: expect.closeTo(0.28, 1) as number,
      }),
    ]);
    const unused = sensors.probes.filter((probe) => probe.found.length === 0);
    expect(unused).toHaveLength(6);
    for (const probe of unused) expect(probe.why).toEqual(expect.stringMatching(/./));
  });
});
