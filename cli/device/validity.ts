import { usageError } from '../exit-codes.ts';

const unitSeconds = { m: 60, h: 3600, d: 86_400 } as const;
const minimumSeconds = 60;
const maximumSeconds = 30 * 86_400;

/** `90m`, `24h`, `7d`: how long a join token is good for, in seconds. @throws CommandError that names the value and the bounds. */
export function parseValidity(text: string): number {
  const [, digits, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const seconds = Number(digits) * unitSeconds[unit as keyof typeof unitSeconds];
  if (seconds >= minimumSeconds && seconds <= maximumSeconds) return seconds;
  throw usageError(
    `--valid ${text} is not a time from one minute to thirty days`,
    'write minutes, hours or days, such as 90m, 24h or 7d',
  );
}
