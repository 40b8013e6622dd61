// Meters that the kernel shows as hwmon: single-channel INA chips, the ACPI power meter, AMD's socket counters.
import path from 'node:path';
import { counted } from '../../../kube/meta/counted.ts';
import type { Probe } from '../node-power.ts';
import type { PowerSource } from '../power-source.ts';
import { listSysfs, readSysfs, readSysfsNumber } from '../sysfs.ts';

const inaChips = /^ina(219|220|226|230|231|232|233|234|236|237|238|260)$/;
/** Milliwatts at the step of 12 bits over common ranges. */
const inaStepWatts = 0.02;

export async function probeHwmon(pathSysfs: string): Promise<Probe> {
  const directory = path.join(pathSysfs, 'class/hwmon');
  const looked = path.join(directory, 'hwmon*');
  const found: PowerSource[] = [];
  const why: string[] = [];
  for (const entry of await listSysfs(directory, /^hwmon\d+$/)) {
    const name = await readSysfs(entry, 'name');
    if (name === undefined || name === 'ina3221') continue;
    const source = await sourceOf(entry, name);
    const same = found.filter(({ name: other }) => other === source?.name || other.startsWith(`${source?.name}-`)).length;
    if (source) found.push(same === 0 ? source : { ...source, name: `${source.name}-${same + 1}` });
    else if ((await listSysfs(entry, /^(power|energy)\d+_(input|average)$/)).length > 0)
      why.push(`${name} measures a part of the machine, or something that is not known here`);
  }
  if (found.length === 0 && why.length === 0) why.push('no meter among them');
  return { looked, found, ...(why.length === 0 ? {} : { why: why.join('; ') }) };
}

async function sourceOf(directory: string, chip: string): Promise<PowerSource | undefined> {
  if (inaChips.test(chip)) return inaSource(directory, chip);
  if (chip === 'power_meter' && (await readSysfs(directory, 'power1_average')) !== undefined)
    return powerSource(`hwmon:${chip}`, 'hwmon', path.join(directory, 'power1_average'), [
      'the ACPI power meter of the platform',
    ]);
  if (chip === 'amd_energy') return socketSource(directory);
  return undefined;
}

async function inaSource(directory: string, chip: string): Promise<PowerSource | undefined> {
  const shunt = await readSysfs(directory, 'shunt_resistor');
  const notes = [
    'taken to measure the input of the board: nothing in the system says where it is wired',
    ...(shunt === undefined ? [] : [`shunt ${shunt} µΩ; every reading scales with it`]),
  ];
  const name = `${chip}:${path.basename(directory)}`;
  const power = path.join(directory, 'power1_input');
  if ((await readSysfs(power)) !== undefined) return powerSource(name, 'ina2xx', power, notes);
  const volts = path.join(directory, 'in1_input');
  const amperes = path.join(directory, 'curr1_input');
  if ((await readSysfs(volts)) === undefined || (await readSysfs(amperes)) === undefined) return undefined;
  const read = async () => ((await readSysfsNumber(volts)) * (await readSysfsNumber(amperes))) / 1e6;
  return wattsSource(name, 'ina2xx', read, [...notes, 'volts times amperes: the chip does not multiply']);
}

function powerSource(name: string, kind: 'ina2xx' | 'hwmon', file: string, notes: readonly string[]): PowerSource {
  return wattsSource(name, kind, async () => (await readSysfsNumber(file)) / 1e6, notes);
}

function wattsSource(name: string, kind: 'ina2xx' | 'hwmon', read: () => Promise<number>, notes: readonly string[]): PowerSource {
  return {
    name,
    kind,
    boundary: 'Board',
    resolution: { watts: inaStepWatts },
    intervalMilliseconds: 1000,
    onDemand: false,
    partial: false,
    notes,
    read: async () => ({ reading: { kind: 'power', watts: await read() } }),
  };
}

/** Sum of the sockets; the cores' own counters beside them are parts. */
async function socketSource(directory: string): Promise<PowerSource | undefined> {
  const labels = await listSysfs(directory, /^energy\d+_label$/);
  const files: string[] = [];
  for (const label of labels) if ((await readSysfs(label))?.startsWith('Esocket')) files.push(label.replace('_label', '_input'));
  if (files.length === 0) return undefined;
  return {
    name: 'hwmon:amd_energy',
    kind: 'hwmon',
    boundary: 'Package',
    resolution: { joules: 1e-4 },
    intervalMilliseconds: 1000,
    onDemand: false,
    partial: false,
    notes: [`${counted(files.length, 'socket')}; memory, disks and the power supply's losses are missing`],
    async read() {
      let joules = 0;
      for (const file of files) joules += (await readSysfsNumber(file)) / 1e6;
      return { reading: { kind: 'energy', joules } };
    },
  };
}
