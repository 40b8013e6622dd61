// What a recommendation has to keep, as flags say it.
import type { Wishes } from '../../energy/prediction/recommendation.ts';
import { parseEnergy } from '../../energy/units.ts';
import { usageError } from '../exit-codes.ts';

export interface WishFlags {
  maxEnergy?: string;
  maxLatency?: string;
  maxSize?: string;
}

export function parseWishes({ maxEnergy, maxLatency, maxSize }: WishFlags): Wishes {
  const seconds = { s: 1, ms: 1e-3 };
  const bytes = { KB: 1e3, MB: 1e6, GB: 1e9 };
  return {
    ...(maxEnergy === undefined ? {} : { maximumJoules: parseBudget(maxEnergy) }),
    ...(maxLatency === undefined
      ? {}
      : {
          maximumSeconds: parseAmount('--max-latency', maxLatency, /^(\d+(?:\.\d+)?)(ms|s)$/, '500ms', (unit) =>
            unit === 'ms' ? seconds.ms : seconds.s,
          ),
        }),
    ...(maxSize === undefined
      ? {}
      : {
          maximumBytes: parseAmount('--max-size', maxSize, /^(\d+(?:\.\d+)?)(KB|MB|GB)$/, '100MB', (unit) =>
            unit === 'KB' ? bytes.KB : unit === 'GB' ? bytes.GB : bytes.MB,
          ),
        }),
  };
}

function parseBudget(text: string): number {
  try {
    return parseEnergy(text);
  } catch (error) {
    throw usageError(`--max-energy ${text} is not an energy`, 'write for example --max-energy 80mJ', error);
  }
}

function parseAmount(flag: string, text: string, pattern: RegExp, example: string, scale: (unit: string) => number): number {
  const [, number, unit = ''] = pattern.exec(text) ?? [];
  const value = Number(number) * scale(unit);
  if (value > 0) return value;
  throw usageError(`${flag} ${text} is not understood`, `write for example ${flag} ${example}`);
}
