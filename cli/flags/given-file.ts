import { readFile } from 'node:fs/promises';
import { CommandError } from '../exit-codes.ts';

/** The text of a file that a flag names. @throws CommandError that names both. */
export async function readGivenFile(flag: string, file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: Error) => {
    throw new CommandError(`${flag} ${file} cannot be read: ${error.message}`, 'name a file that can be read', { cause: error });
  });
}
