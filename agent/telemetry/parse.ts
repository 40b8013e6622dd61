// Text of the kernel and the firmware to numbers. Pure.

const cpuModes = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;
/** USER_HZ, which Linux fixes at 100 for /proc/stat on every architecture. */
const ticksPerSecond = 100;

export function parseCpuSeconds(stat: string): Record<string, number> {
  const fields = /^cpu +(.*)$/m.exec(stat)?.[1]?.split(' ').map(Number) ?? [];
  return Object.fromEntries(
    cpuModes.flatMap((mode, index) => {
      const ticks = fields[index];
      return ticks === undefined || !Number.isFinite(ticks) ? [] : [[mode, ticks / ticksPerSecond]];
    }),
  );
}

export function parseMemory(meminfo: string): { totalBytes: number; availableBytes: number } | undefined {
  const total = /^MemTotal:\s+(\d+) kB/m.exec(meminfo)?.[1];
  const available = /^MemAvailable:\s+(\d+) kB/m.exec(meminfo)?.[1];
  if (total === undefined || available === undefined) return undefined;
  return { totalBytes: Number(total) * 1024, availableBytes: Number(available) * 1024 };
}

/** Millidegrees. Sensors of parts that are switched off say -256 °C: they are absent, not cold. */
export function parseTemperature(text: string): number | undefined {
  if (!/^-?\d+\s*$/.test(text)) return undefined;
  const celsius = Number(text) / 1000;
  return celsius <= -100 || celsius > 200 ? undefined : celsius;
}

const throttledBits = ['undervoltage', 'frequency-capped', 'throttled', 'soft-temperature-limit'] as const;

/** Bits 0 to 3 tell now, 16 to 19 tell since boot; only now is shown. Hexadecimal, with or without `throttled=`. */
export function parseThrottled(text: string): string[] {
  const bits = Number.parseInt(
    text
      .trim()
      .replace(/^throttled=/, '')
      .replace(/^0x/i, ''),
    16,
  );
  return Number.isNaN(bits) ? [] : throttledBits.filter((_, bit) => bits & (1 << bit));
}

export interface NetworkCounter {
  device: string;
  receivedBytes: number;
  sentBytes: number;
}

/** Of itself, of containers and of bridges between them: each byte of theirs that leaves the machine is counted at a card as well. */
const virtualDevices = /^(lo$|veth|cali|cni|flannel|docker|br-|virbr|tap|dummy)/;
const maximumDevices = 16;

/** Bytes since the start, of the network cards in /proc/net/dev. */
export function parseNetwork(text: string): NetworkCounter[] {
  const counters = [...text.matchAll(/^\s*([^\s:]+):\s*(\d+)(?:\s+\d+){7}\s+(\d+)/gm)].map((line) => ({
    device: line[1] ?? '',
    receivedBytes: Number(line[2]),
    sentBytes: Number(line[3]),
  }));
  return counters.filter(({ device }) => !virtualDevices.test(device)).slice(0, maximumDevices);
}

export interface Pressure {
  /** Seconds since the start in which something waited. */
  waitingSeconds: number;
  /** And in which nothing else ran. The kernel does not say it of processors. */
  stalledSeconds?: number;
}

/** One file of /proc/pressure (pressure stall information, since Linux 4.20). Undefined when it is none. */
export function parsePressure(text: string): Pressure | undefined {
  const seconds = (kind: string) => {
    const micros = new RegExp(`^${kind} .*total=(\\d+)`, 'm').exec(text)?.[1];
    return micros === undefined ? undefined : Number(micros) / 1e6;
  };
  const [waitingSeconds, stalledSeconds] = [seconds('some'), seconds('full')];
  if (waitingSeconds === undefined) return undefined;
  return { waitingSeconds, ...(stalledSeconds === undefined ? {} : { stalledSeconds }) };
}
