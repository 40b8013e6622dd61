// The three-channel meters on Jetson modules. Rails under an input rail are parts of it and are never added to it.
import path from 'node:path';
import type { Probe } from '../node-power.ts';
import type { PowerSource, Rail } from '../power-source.ts';
import { listSysfs, readSysfs, readSysfsNumber } from '../sysfs.ts';

interface Channel {
  label: string;
  read: () => Promise<number>;
}

const inputLabels = ['VDD_IN', 'POM_5V_IN', 'VIN'];
/** AGX Orin has no input rail; these three feed all others. */
const orinParents = ['VDD_GPU_SOC', 'VDD_CPU_CV', 'VIN_SYS_5V0'];
/** 8 mA steps at 5 V. */
const stepWatts = 0.04;

/** JetPack 5 and later (hwmon), or JetPack 4 (IIO). */
export async function probeIna3221(pathSysfs: string): Promise<Probe> {
  const looked = path.join(pathSysfs, 'bus/i2c/drivers/ina3221*/*/{hwmon/hwmon*,iio:device*}');
  const { channels, skipped } = await findChannels(pathSysfs);
  if (channels.length === 0)
    return { looked, found: [], why: skipped.length === 0 ? 'no INA3221 here' : `only unused channels: ${skipped.join(', ')}` };
  const total = channels.find((channel) => inputLabels.includes(channel.label));
  const parts = channels.filter((channel) => channel !== total);
  const notes = [
    'on the module, after the carrier board: what the carrier and its USB ports draw is missing',
    ...(skipped.length === 0 ? [] : [`channels left out: ${skipped.join(', ')}`]),
  ];
  if (total) return { looked, found: [source(`ina3221:${total.label}`, [total], parts, notes)] };
  const parents = orinParents.flatMap((label) => channels.find((channel) => channel.label === label) ?? []);
  if (parents.length === orinParents.length)
    return {
      looked,
      found: [source('ina3221:sum', parents, parts, [...notes, `no input rail: the sum of ${orinParents.join(', ')}`])],
    };
  const labels = channels.map((channel) => channel.label).join(', ');
  return {
    looked,
    found: [],
    why: `channels ${labels} are parts of a total that no channel shows; adding parts would count some of them twice`,
  };
}

async function findChannels(pathSysfs: string): Promise<{ channels: Channel[]; skipped: string[] }> {
  const channels: Channel[] = [];
  const skipped: string[] = [];
  const drivers = await listSysfs(path.join(pathSysfs, 'bus/i2c/drivers'), /^ina3221x?$/);
  const devices = (await Promise.all(drivers.map((driver) => listSysfs(driver, /^\d+-[0-9a-f]+$/)))).flat();
  for (const device of devices) {
    for (const directory of await listSysfs(path.join(device, 'hwmon'), /^hwmon\d+$/))
      await addHwmon(directory, channels, skipped);
    for (const directory of await listSysfs(device, /^iio:device\d+$/)) await addIio(directory, channels, skipped);
  }
  return { channels, skipped };
}

/** Channels 1 to 3 are rails; in4 to in7 are shunt voltages and their sum. */
async function addHwmon(directory: string, channels: Channel[], skipped: string[]): Promise<void> {
  for (const channel of [1, 2, 3]) {
    const label = await readSysfs(directory, `in${channel}_label`);
    if (label === undefined) continue;
    const enabled = await Promise.all([
      readSysfs(directory, `in${channel}_enable`),
      readSysfs(directory, `curr${channel}_enable`),
    ]);
    if (isUnconnected(label) || enabled.includes('0')) skipped.push(label);
    else
      channels.push({
        label,
        read: async () => {
          const millivolts = await readSysfsNumber(path.join(directory, `in${channel}_input`));
          const milliamperes = await readSysfsNumber(path.join(directory, `curr${channel}_input`));
          return (millivolts * milliamperes) / 1e6;
        },
      });
  }
}

async function addIio(directory: string, channels: Channel[], skipped: string[]): Promise<void> {
  for (const channel of [0, 1, 2]) {
    const label = await readSysfs(directory, `rail_name_${channel}`);
    if (label === undefined) continue;
    if (isUnconnected(label)) skipped.push(label);
    else
      channels.push({ label, read: async () => (await readSysfsNumber(path.join(directory, `in_power${channel}_input`))) / 1e3 });
  }
}

function isUnconnected(label: string): boolean {
  return label === '' || /(^|[^A-Z])NC([^A-Z]|$)/i.test(label);
}

function source(name: string, totals: readonly Channel[], parts: readonly Channel[], notes: readonly string[]): PowerSource {
  return {
    name,
    kind: 'ina3221',
    boundary: 'Module',
    resolution: { watts: stepWatts },
    intervalMilliseconds: 1000,
    onDemand: false,
    partial: false,
    notes,
    async read() {
      let watts = 0;
      for (const channel of totals) watts += await channel.read();
      const rails: Rail[] = [];
      for (const part of parts) rails.push({ name: part.label, watts: await part.read() });
      return { reading: { kind: 'power', watts }, rails };
    },
  };
}
