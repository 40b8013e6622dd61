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
