import { StandaloneError } from '../standalone-error.ts';
import { sqliteCode } from './database.ts';

const messages = new Map([
  [8, ['the database has become read-only', 'Make the data directory writable again.']],
  [10, ['the disk refused to read or write', 'Look for disk errors in the kernel log of this machine.']],
  [13, ['the disk is full', 'Free space on the file system of the data directory.']],
]);

/** What a person can do about a write that SQLite did not do; any other error is answered as it is. */
export function explainWriteFailure(error: unknown): Error {
  const [what, next] = messages.get(sqliteCode(error) ?? 0) ?? [];
  if (what !== undefined && next !== undefined)
    return new StandaloneError(`nothing was written: ${what}`, next, { cause: error });
  return error instanceof Error ? error : new Error('the transaction failed', { cause: error });
}
