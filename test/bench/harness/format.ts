// Numbers as a table shows them: three digits that count, and a verdict where there is a goal.

export function digits(value: number, count = 3): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.max(0, Math.min(6, count - 1 - magnitude)));
}

export const seconds = (value: number) => `${digits(value)} s`;
export const milliseconds = (value: number) => `${digits(value)} ms`;
export const mebibytes = (bytes: number) => `${digits(bytes / 2 ** 20)} MiB`;
export const percent = (ratio: number) => `${digits(ratio * 100, 2)} %`;

export function judged(text: string, met: boolean): string {
  return met ? text : `${text} (missed)`;
}

/** Nearest rank; NaN when there are no samples. */
export function quantile(samples: readonly number[], at: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(at * sorted.length) - 1))] ?? Number.NaN;
}

/** The exponent b of y = a·x^b, by least squares over the logarithms; NaN below two different x. */
export function logLogSlope(points: readonly (readonly [number, number])[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const mean = (at: 0 | 1) => logs.reduce((sum, log) => sum + log[at], 0) / logs.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const shared = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return shared / logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}
