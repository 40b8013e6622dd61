import { usageError } from '../exit-codes.ts';

/** @throws CommandError that names the flag and its value. */
export function parseCount(flag: string, text: string, minimum: number): number {
  if (/^\d{1,6}$/.test(text) && Number(text) >= minimum) return Number(text);
  throw usageError(
    `${flag} ${text} is not a whole number of at least ${minimum}`,
    `write digits, such as ${flag} ${minimum + 1}`,
  );
}
