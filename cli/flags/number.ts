import { usageError } from '../exit-codes.ts';

/** @throws CommandError that names the flag, its value and the range. */
export function numberIn(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most) return value;
  throw usageError(`${flag} ${text} is not in range`, `give a number from ${least} to ${most}`);
}

/** The same for counts. @throws CommandError that names the flag, its value and the range. */
export function wholeNumberIn(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw usageError(`${flag} ${text} is not in range`, `give a whole number from ${least} to ${most}`);
}

/** Digits alone. @throws CommandError that names the flag, its value and the least. */
export function wholeNumber(flag: string, text: string, least: number): number {
  if (/^\d{1,6}$/.test(text) && Number(text) >= least) return Number(text);
  throw usageError(`${flag} ${text} is not a whole number of at least ${least}`, `write digits, such as ${flag} ${least + 1}`);
}

export function parsePort(flag: string, text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw usageError(`${flag} ${text} is not a port`, 'use a number from 0 to 65535; 0 takes a free one');
}
