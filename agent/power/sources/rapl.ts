// Intel's and AMD's energy counters under powercap. Zones overlap: psys holds the packages, a package holds its cores.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { counterDifference } from '../integrator.ts';
import type { Probe } from '../node-power.ts';
import type { PowerSource } from '../power-source.ts';
import { listSysfs, readSysfs, readSysfsNumber } from '../sysfs.ts';

interface Zone {
  name: string;
  file: string;
  wrapMicrojoules: number;
}

export async function probeRapl(pathSysfs: string): Promise<Probe> {
  const directory = path.join(pathSysfs, 'class/powercap');
  const looked = path.join(directory, 'intel-rapl:*/energy_uj');
  const zones: Zone[] = [];
  for (const entry of await listSysfs(directory, /^intel-rapl:\d+$/)) {
    const name = await readSysfs(entry, 'name');
    const wrap = Number(await readSysfs(entry, 'max_energy_range_uj'));
    if (name !== undefined && Number.isFinite(wrap))
      zones.push({ name, file: path.join(entry, 'energy_uj'), wrapMicrojoules: wrap });
  }
  const platform = zones.filter((zone) => zone.name === 'psys');
  const used = platform.length > 0 ? platform : zones.filter((zone) => /^package-\d+(-die-\d+)?$/.test(zone.name));
  const [first] = used;
  if (!first)
    return {
      looked,
      found: [],
      why: zones.length === 0 ? 'no RAPL zones (no such processor, a container, or a virtual machine)' : 'no package zone',
    };
  const denied = await readFile(first.file).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error,
  );
  if (denied)
    return {
      looked,
      found: [],
      why: `${first.file} cannot be read (${denied.code ?? denied.message}): the kernel lets only root read it`,
    };
  const left = zones.filter((zone) => !used.includes(zone)).map((zone) => zone.name);
  return {
    looked,
    found: [raplSource(used)],
    ...(left.length === 0 ? {} : { why: `zones ${left.join(', ')} overlap with what is used` }),
  };
}

/** No package takes more. A counter that seems to have taken more was set back, by a suspended machine or a new kernel. */
const maximumWatts = 5000;

function raplSource(zones: readonly Zone[]): PowerSource {
  const isPlatform = zones[0]?.name === 'psys';
  const last = new Map<Zone, number>();
  let joules = 0;
  let lastAt = 0;
  return {
    name: `rapl:${zones.map((zone) => zone.name).join('+')}`,
    kind: 'rapl',
    boundary: isPlatform ? 'Board' : 'Package',
    resolution: { joules: 61e-6 },
    intervalMilliseconds: 1000,
    onDemand: false,
    partial: false,
    notes: [
      isPlatform
        ? 'psys: the platform as the board maker wired it'
        : 'processor packages only: memory, disks and losses are missing',
    ],
    async read() {
      const seconds = Math.max(1, (performance.now() - lastAt) / 1000);
      lastAt = performance.now();
      const resets: string[] = [];
      let more = 0;
      // Each zone wraps at its own range, so each is unwrapped before they are added.
      for (const zone of zones) {
        const now = await readSysfsNumber(zone.file);
        const before = last.get(zone);
        last.set(zone, now);
        const taken = before === undefined ? 0 : counterDifference(before, now, zone.wrapMicrojoules);
        if (taken === undefined || taken / 1e6 > maximumWatts * seconds) resets.push(zone.name);
        else more += taken / 1e6;
      }
      if (resets.length > 0)
        throw new Error(`the counter of ${resets.join(', ')} was set back: what it drew meanwhile is not known`);
      joules += more;
      return { reading: { kind: 'energy', joules } };
    },
  };
}
