// Compares what a predictor was made for with what a device runs.
import type { ClassKey } from './prediction.ts';

export const keyParts = [
  'board',
  'powerMode',
  'governor',
  'runtime',
  'runtimeVersion',
  'executionProvider',
  'threads',
  'spinning',
  'precision',
] as const satisfies readonly (keyof ClassKey)[];

export interface KeyMatch {
  /** "runtime: card pytorch, device onnxruntime" */
  mismatches: string[];
  /** Parts that one side does not know: they match anything, and are named. */
  unknownParts: string[];
}

export function matchKeys(card: ClassKey, device: ClassKey): KeyMatch {
  const match: KeyMatch = { mismatches: [], unknownParts: [] };
  for (const part of keyParts) {
    const made = normalized(part, card[part]);
    const runs = normalized(part, device[part]);
    if (made === undefined || runs === undefined) match.unknownParts.push(part);
    else if (made !== runs) match.mismatches.push(`${part}: card ${made}, device ${runs}`);
  }
  return match;
}

/** Names in lower case without a provider's suffix; versions by their first two numbers. */
function normalized(part: (typeof keyParts)[number], value: string | number | boolean | undefined): string | undefined {
  if (value === undefined || value === '') return undefined;
  const text = String(value).toLowerCase();
  if (part === 'runtimeVersion') return text.split('.').slice(0, 2).join('.');
  if (part === 'executionProvider') return text.replace(/executionprovider$/, '');
  return text;
}
