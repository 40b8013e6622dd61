// Batteries: what they give while nothing charges them is what the board draws.
import path from 'node:path';
import type { Probe } from '../node-power.ts';
import type { PowerSource } from '../power-source.ts';
import { listSysfs, readSysfs, readSysfsNumber } from '../sysfs.ts';

export async function probePowerSupply(pathSysfs: string): Promise<Probe> {
  const directory = path.join(pathSysfs, 'class/power_supply');
  const found: PowerSource[] = [];
  const why: string[] = [];
  for (const entry of await listSysfs(directory, /./)) {
    const name = path.basename(entry);
    const type = await readSysfs(entry, 'type');
    if (type !== 'Battery') {
      why.push(`${name} is ${type ?? 'unknown'}: its values are negotiated or rated, never measured energy`);
      continue;
    }
    const read = await reader(entry);
    if (read) found.push(batterySource(name, entry, read));
    else why.push(`${name} shows neither power nor current`);
  }
  if (found.length === 0 && why.length === 0) why.push('no battery');
  return { looked: path.join(directory, '*'), found, ...(why.length === 0 ? {} : { why: why.join('; ') }) };
}

async function reader(entry: string): Promise<(() => Promise<number>) | undefined> {
  const power = path.join(entry, 'power_now');
  if ((await readSysfs(power)) !== undefined) return async () => Math.abs(await readSysfsNumber(power)) / 1e6;
  const volts = path.join(entry, 'voltage_now');
  const amperes = path.join(entry, 'current_now');
  if ((await readSysfs(volts)) === undefined || (await readSysfs(amperes)) === undefined) return undefined;
  return async () => Math.abs((await readSysfsNumber(volts)) * (await readSysfsNumber(amperes))) / 1e12;
}

function batterySource(name: string, entry: string, read: () => Promise<number>): PowerSource {
  return {
    name: `battery:${name}`,
    kind: 'battery',
    boundary: 'Board',
    resolution: { watts: 0.01 },
    intervalMilliseconds: 2000,
    onDemand: false,
    partial: false,
    notes: ['answers only while the battery discharges: on mains it does not see what the board draws'],
    async read() {
      const status = await readSysfs(entry, 'status');
      if (status !== 'Discharging') throw new Error(`battery ${name} is ${status ?? 'silent'}: it does not power the board now`);
      return { reading: { kind: 'power', watts: await read() } };
    },
  };
}
