import { describe, expect, it } from 'vitest';
import { detectSources } from '../../../agent/power/detect-sources.ts';
import { chooseTotal, type Probe } from '../../../agent/power/node-power.ts';
import type { PowerSource } from '../../../agent/power/power-source.ts';
import type { RunCommand } from '../../../agent/power/sources/command.ts';
import { parseNvidiaSmi } from '../../../agent/power/sources/nvidia-smi.ts';
import { parsePmic } from '../../../agent/power/sources/pmic.ts';
import { sysfsTree } from './sysfs-tree.ts';

const never = new AbortController().signal;
const missing: RunCommand = () => Promise.reject(Object.assign(new Error('spawn ENOENT'), { code: 'ENOENT' }));
const answering =
  (answers: Record<string, string>): RunCommand =>
  (file, args, signal) => {
    const answer = answers[[file, ...args].join(' ')] ?? answers[file];
    return answer === undefined ? missing(file, args, signal) : Promise.resolve(answer);
  };

const detect = (pathSysfs: string, run: RunCommand = missing) => detectSources({ pathSysfs, run }, never);
const names = (probes: readonly Probe[]) => probes.flatMap((probe) => probe.found.map((source) => source.name));
const whys = (probes: readonly Probe[]) => probes.flatMap((probe) => probe.why ?? []).join('\n');
const only = (probes: readonly Probe[]): PowerSource => {
  const [source, other] = probes.flatMap((probe) => probe.found);
  if (!source || other) throw new Error(`expected one source, found ${names(probes).join(', ') || 'none'}`);
  return source;
};
const wattsOf = async (source: PowerSource) => {
  const { reading } = await source.read(never);
  return reading.kind === 'power' ? reading.watts : Number.NaN;
};

const hwmon = (
  device: string,
  channels: Record<number, [label: string, millivolts: number, milliamperes: number, enabled?: string]>,
) =>
  Object.fromEntries(
    Object.entries(channels).flatMap(([channel, [label, millivolts, milliamperes, enabled = '1']]) => {
      const base = `bus/i2c/drivers/ina3221/${device}/hwmon/hwmon3`;
      return [
        [`${base}/in${channel}_label`, label],
        [`${base}/in${channel}_input`, String(millivolts)],
        [`${base}/curr${channel}_input`, String(milliamperes)],
        [`${base}/in${channel}_enable`, enabled],
      ];
    }),
  );

describe('power sources of a board', () => {
  it('reads an Orin module at its input rail, and keeps the other rails apart from it', async () => {
    await using tree = await sysfsTree({
      ...hwmon('1-0040', { 1: ['VDD_IN', 4992, 760], 2: ['VDD_CPU_GPU_CV', 4976, 96], 3: ['VDD_SOC', 4976, 264] }),
      'bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3/in4_input': '12',
      'bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3/in7_label': 'sum of shunt voltages',
    });
    const source = only(await detect(tree.root));
    expect(source).toMatchObject({ name: 'ina3221:VDD_IN', boundary: 'Module', resolution: { watts: 0.04 } });
    const { reading, rails } = await source.read(never);
    expect(reading).toEqual({ kind: 'power', watts: 4.992 * 0.76 });
    expect(rails?.map((rail) => rail.name)).toEqual(['VDD_CPU_GPU_CV', 'VDD_SOC']);
  });

  it('adds the three parent rails of an AGX Orin, which has no input rail', async () => {
    await using tree = await sysfsTree({
      ...hwmon('1-0040', { 1: ['VDD_GPU_SOC', 19000, 100], 2: ['VDD_CPU_CV', 19000, 50], 3: ['VIN_SYS_5V0', 5000, 700] }),
      ...hwmon('1-0041', { 1: ['NC', 0, 0], 2: ['VDDQ_VDD2_1V8AO', 5000, 120], 3: ['NC', 0, 0] }),
    });
    const source = only(await detect(tree.root));
    expect(source.name).toBe('ina3221:sum');
    const { reading, rails } = await source.read(never);
    expect(reading).toEqual({ kind: 'power', watts: expect.closeTo(1.9 + 0.95 + 3.5, 9) });
    expect(rails?.map((rail) => rail.name)).toContain('VDDQ_VDD2_1V8AO');
    expect(source.notes.join()).toContain('NC');
  });

  it('does not invent a total from parts that no rail covers', async () => {
    await using tree = await sysfsTree(hwmon('1-0040', { 1: ['VDD_CPU', 5000, 100], 2: ['VDD_SOC', 5000, 100, '0'] }));
    const probes = await detect(tree.root);
    expect(names(probes)).toEqual([]);
    expect(whys(probes)).toContain('VDD_CPU are parts of a total that no channel shows');
  });

  it('reads a Jetson Nano of JetPack 4 through IIO', async () => {
    const base = 'bus/i2c/drivers/ina3221x/6-0040/iio:device0';
    await using tree = await sysfsTree({
      [`${base}/rail_name_0`]: 'POM_5V_IN',
      [`${base}/in_power0_input`]: '2431',
      [`${base}/rail_name_1`]: 'POM_5V_GPU',
      [`${base}/in_power1_input`]: '82',
      [`${base}/rail_name_2`]: 'POM_5V_CPU',
      [`${base}/in_power2_input`]: '410',
    });
    const source = only(await detect(tree.root));
    expect(source.name).toBe('ina3221:POM_5V_IN');
    expect(await wattsOf(source)).toBeCloseTo(2.431, 9);
  });

  it('names the shunt of an INA226, and multiplies for chips that do not', async () => {
    await using tree = await sysfsTree({
      'class/hwmon/hwmon0/name': 'cpu_thermal',
      'class/hwmon/hwmon1/name': 'ina226',
      'class/hwmon/hwmon1/power1_input': '3825000',
      'class/hwmon/hwmon1/shunt_resistor': '10000',
      'class/hwmon/hwmon2/name': 'ina219',
      'class/hwmon/hwmon2/in1_input': '5100',
      'class/hwmon/hwmon2/curr1_input': '500',
    });
    const [ina226, ina219] = (await detect(tree.root)).flatMap((probe) => probe.found);
    expect(ina226?.notes.join()).toContain('shunt 10000 µΩ');
    expect(ina226 && (await wattsOf(ina226))).toBeCloseTo(3.825, 9);
    expect(ina219 && (await wattsOf(ina219))).toBeCloseTo(2.55, 9);
  });

  it('counts RAPL packages once, across their wrap, and leaves the zones inside them out', async () => {
    await using tree = await sysfsTree({
      'class/powercap/intel-rapl:0/name': 'package-0',
      'class/powercap/intel-rapl:0/max_energy_range_uj': '262143328850',
      'class/powercap/intel-rapl:0/energy_uj': '262143000000',
      'class/powercap/intel-rapl:1/name': 'dram',
      'class/powercap/intel-rapl:1/max_energy_range_uj': '262143328850',
      'class/powercap/intel-rapl:1/energy_uj': '5',
      'class/powercap/intel-rapl:0:0/name': 'core',
    });
    const probes = await detect(tree.root);
    const source = only(probes);
    expect(source).toMatchObject({ name: 'rapl:package-0', boundary: 'Package' });
    expect(whys(probes)).toContain('zones dram overlap');
    expect((await source.read(never)).reading).toEqual({ kind: 'energy', joules: 0 });
    await tree.write('class/powercap/intel-rapl:0/energy_uj', '1000000');
    expect((await source.read(never)).reading).toEqual({ kind: 'energy', joules: expect.closeTo(1_328_850e-6, 9) });
  });

  it('does not take a RAPL counter that was set back for one that wrapped', async () => {
    await using tree = await sysfsTree({
      'class/powercap/intel-rapl:0/name': 'package-0',
      'class/powercap/intel-rapl:0/max_energy_range_uj': '262143328850',
      'class/powercap/intel-rapl:0/energy_uj': '200000000000',
    });
    const source = only(await detect(tree.root));
    await source.read(never);
    await tree.write('class/powercap/intel-rapl:0/energy_uj', '1000000');
    await expect(source.read(never)).rejects.toThrow('the counter of package-0 was set back');
    await tree.write('class/powercap/intel-rapl:0/energy_uj', '3000000');
    expect((await source.read(never)).reading).toEqual({ kind: 'energy', joules: 2 });
  });

  it('prefers psys, which holds the packages', async () => {
    const zone = (index: number, name: string) => ({
      [`class/powercap/intel-rapl:${index}/name`]: name,
      [`class/powercap/intel-rapl:${index}/max_energy_range_uj`]: '1000000000',
      [`class/powercap/intel-rapl:${index}/energy_uj`]: '0',
    });
    await using tree = await sysfsTree({ ...zone(0, 'package-0'), ...zone(1, 'psys') });
    expect(only(await detect(tree.root))).toMatchObject({ name: 'rapl:psys', boundary: 'Board' });
  });

  it('takes a battery for a meter only while it discharges, and never a USB supply', async () => {
    await using tree = await sysfsTree({
      'class/power_supply/BAT0/type': 'Battery',
      'class/power_supply/BAT0/status': 'Discharging',
      'class/power_supply/BAT0/voltage_now': '11800000',
      'class/power_supply/BAT0/current_now': '-850000',
      'class/power_supply/usb0/type': 'USB',
      'class/power_supply/usb0/voltage_now': '5000000',
      'class/power_supply/usb0/current_now': '3000000',
    });
    const probes = await detect(tree.root);
    const source = only(probes);
    expect(await wattsOf(source)).toBeCloseTo(10.03, 6);
    expect(whys(probes)).toContain('usb0 is USB');
    await tree.write('class/power_supply/BAT0/status', 'Charging');
    await expect(source.read(never)).rejects.toThrow('BAT0 is Charging');
  });

  it('reads the rails of a Pi 5, and its core rail alone on demand', async () => {
    await using tree = await sysfsTree({});
    const core = ' VDD_CORE_A current(7)=1.10000000A\n VDD_CORE_V volt(15)=0.72000000V\n';
    const text = `   3V3_SYS_A current(1)=0.10000000A\n${core}  3V3_SYS_V volt(9)=3.30000000V\n EXT5V_V volt(24)=5.10000000V\n BATT_V volt(25)=3.00000000V\n`;
    const run = answering({ 'vcgencmd pmic_read_adc': text, 'vcgencmd pmic_read_adc VDD_CORE_A VDD_CORE_V': core });
    const [rails, coreRail] = (await detect(tree.root, run)).flatMap((probe) => probe.found);
    expect(rails).toMatchObject({ name: 'pmic:rails', boundary: 'Module', onDemand: false });
    expect(rails && (await wattsOf(rails))).toBeCloseTo(0.33 + 0.792, 9);
    expect(coreRail).toMatchObject({ name: 'rpi5-core', boundary: 'CoreRail', onDemand: true });
    expect(coreRail && (await wattsOf(coreRail))).toBeCloseTo(0.792, 9);
  });

  it('takes [N/A] of a graphics card for no meter, not for no power', () => {
    expect(parseNvidiaSmi('0, 34.71\n1, [N/A]\n')).toEqual([{ index: 0, watts: 34.71 }]);
    expect(parsePmic('throttled=0x0')).toEqual([]);
  });

  it('makes the widest boundary the total, and never a core rail or a part', async () => {
    const source = (name: string, boundary: PowerSource['boundary'], more: Partial<PowerSource> = {}): PowerSource => ({
      name,
      kind: 'hwmon',
      boundary,
      resolution: { watts: 1 },
      intervalMilliseconds: 1000,
      onDemand: false,
      partial: false,
      notes: [],
      read: () => Promise.reject(new Error('not read here')),
      ...more,
    });
    const all = [
      source('core', 'CoreRail'),
      source('package', 'Package'),
      source('module', 'Module'),
      source('card', 'Board', { partial: true }),
    ];
    expect(chooseTotal(all)?.name).toBe('module');
    expect(chooseTotal([source('core', 'CoreRail')])).toBeUndefined();
  });

  it('finds nothing on a machine without meters, and says what it looked for', async () => {
    await using tree = await sysfsTree({});
    const probes = await detect(tree.root);
    expect(names(probes)).toEqual([]);
    expect(probes.every((probe) => probe.looked !== '' && probe.why !== undefined)).toBe(true);
  });
});
