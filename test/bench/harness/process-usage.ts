// What processes cost, read from /proc: proportional and anonymous memory, processor time.
import { readdir, readFile } from 'node:fs/promises';

export interface Memory {
  /** Shared pages count in parts. */
  proportionalBytes: number;
  anonymousBytes: number;
  residentBytes: number;
}

/** USER_HZ: what /proc/PID/stat counts in, on every Linux that Node runs on. */
const ticksPerSecond = 100;

export async function memoryOf(pid: number): Promise<Memory> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0) * 1024;
  return { proportionalBytes: field('Pss'), anonymousBytes: field('Anonymous'), residentBytes: field('Rss') };
}

/** What the pages of a process belong to. */
export const mappingKinds = ['Node', 'ONNX Runtime', 'other files', 'malloc', 'other anonymous'] as const;
export type MappingKind = (typeof mappingKinds)[number];

/** Proportional memory of a process by what it belongs to, in bytes. */
export async function mappingsOf(pid: number): Promise<Map<MappingKind, number>> {
  const bytes = new Map<MappingKind, number>(mappingKinds.map((kind) => [kind, 0]));
  let kind: MappingKind = 'other anonymous';
  for (const line of (await readFile(`/proc/${pid}/smaps`, 'utf8')).split('\n')) {
    const head = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$/.exec(line);
    if (head) kind = kindOf(head[1] ?? '');
    const kilobytes = /^Pss: +(\d+) kB$/.exec(line)?.[1];
    if (kilobytes !== undefined) bytes.set(kind, (bytes.get(kind) ?? 0) + Number(kilobytes) * 1024);
  }
  return bytes;
}

function kindOf(name: string): MappingKind {
  if (name === '[heap]') return 'malloc';
  if (!name.startsWith('/')) return 'other anonymous';
  if (name.includes('onnxruntime')) return 'ONNX Runtime';
  return name.endsWith('/node') ? 'Node' : 'other files';
}

/** The largest resident size so far, as the kernel kept it. */
export async function peakResidentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}

/** User and system time of a process, in seconds; its children are not in it. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** A process and all that descend from it. */
export async function processTree(root: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => undefined);
    if (stat !== undefined) parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const tree = [root];
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid) tree.push(child);
  return tree;
}

/** Samples a process until stopped; the peak of the proportional size is not kept by the kernel. */
export function watchMemory(pid: number, intervalMilliseconds = 250): { stop(): Promise<Memory> } {
  const peak: Memory = { proportionalBytes: 0, anonymousBytes: 0, residentBytes: 0 };
  const sample = async () => {
    const now = await memoryOf(pid).catch(() => undefined);
    if (!now) return;
    peak.proportionalBytes = Math.max(peak.proportionalBytes, now.proportionalBytes);
    peak.anonymousBytes = Math.max(peak.anonymousBytes, now.anonymousBytes);
    peak.residentBytes = Math.max(peak.residentBytes, now.residentBytes);
  };
  const timer = setInterval(() => void sample(), intervalMilliseconds);
  return {
    stop: async () => {
      clearInterval(timer);
      await sample();
      return { ...peak, residentBytes: Math.max(peak.residentBytes, await peakResidentBytes(pid).catch(() => 0)) };
    },
  };
}
