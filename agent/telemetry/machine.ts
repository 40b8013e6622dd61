// What kind of machine this is: read once, from the device tree, DMI and the kernel.
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { RunCommand } from '../power/sources/command.ts';

export interface Machine {
  boardModel?: string;
  architecture: string;
  operatingSystem: string;
  cpus: number;
  memoryBytes: number;
  governor?: string;
  /** Of a Jetson, such as 15W or MAXN: it decides how fast the board may run, and what that costs. */
  powerMode?: string;
}

interface Roots {
  pathSysfs: string;
  pathProcfs: string;
}

export async function readMachine(roots: Roots, run: RunCommand): Promise<Machine> {
  const boardModel = await boardModelOf(roots);
  const powerMode = /NVIDIA|Jetson/i.test(boardModel ?? '') ? await powerModeOf(run) : undefined;
  const governor = await text(path.join(roots.pathSysfs, 'devices/system/cpu/cpu0/cpufreq/scaling_governor'));
  const total = /^MemTotal:\s+(\d+) kB/m.exec((await text(path.join(roots.pathProcfs, 'meminfo'))) ?? '')?.[1];
  const release = /^PRETTY_NAME="?([^"\n]+)/m.exec((await text('/etc/os-release')) ?? '')?.[1];
  return {
    ...(boardModel === undefined ? {} : { boardModel }),
    architecture: os.arch(),
    operatingSystem: `${release ?? os.type()} (${os.release()})`,
    cpus: os.availableParallelism(),
    memoryBytes: total === undefined ? os.totalmem() : Number(total) * 1024,
    ...(governor === undefined ? {} : { governor }),
    ...(powerMode === undefined ? {} : { powerMode }),
  };
}

/** `NV Power Mode: 15W`. Not known where NVIDIA's tool is missing, as in most containers. */
async function powerModeOf(run: RunCommand): Promise<string | undefined> {
  const answer = await run('nvpmodel', ['-q'], new AbortController().signal).catch(() => '');
  return /^NV Power Mode:\s*(\S{1,63})\s*$/m.exec(answer)?.[1];
}

/** Boards name themselves in the device tree, PCs in DMI. */
async function boardModelOf({ pathSysfs, pathProcfs }: Roots): Promise<string | undefined> {
  const tree = await text(path.join(pathProcfs, 'device-tree/model'));
  if (tree !== undefined) return tree;
  const product = await text(path.join(pathSysfs, 'class/dmi/id/product_name'));
  const vendor = await text(path.join(pathSysfs, 'class/dmi/id/sys_vendor'));
  return product === undefined ? undefined : [vendor, product].filter(Boolean).join(' ');
}

async function text(file: string): Promise<string | undefined> {
  try {
    const content = (await readFile(file, 'utf8')).replaceAll('\0', '').trim();
    return content === '' ? undefined : content;
  } catch {
    return undefined;
  }
}
