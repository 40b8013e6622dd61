import { usageError } from '../exit-codes.ts';

export const outputFormats = ['table', 'json'] as const;
export type OutputFormat = (typeof outputFormats)[number];

export function parseOutputFormat(text: string): OutputFormat {
  const format = outputFormats.find((candidate) => candidate === text);
  if (format) return format;
  throw usageError(`--output ${text} is not known`, `use one of: ${outputFormats.join(', ')}`);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
