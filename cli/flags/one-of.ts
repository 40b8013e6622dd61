import { usageError } from '../exit-codes.ts';

/** @throws CommandError that names the flag, its value and what is known. */
export function oneOf<Word extends string>(flag: string, text: string, known: readonly Word[]): Word {
  const found = known.find((word) => word === text);
  if (found !== undefined) return found;
  throw usageError(`${flag} ${text} is not known`, `use one of: ${known.join(', ')}`);
}
