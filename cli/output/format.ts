import { oneOf } from '../flags/one-of.ts';

export const outputFormats = ['table', 'json'] as const;
export type OutputFormat = (typeof outputFormats)[number];

export function parseOutputFormat(text: string): OutputFormat {
  return oneOf('--output', text, outputFormats);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
