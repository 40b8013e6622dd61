import { openSync, writeSync } from 'node:fs';
import { type DestinationStream, type Logger, pino } from 'pino';
import { usageError } from './exit-codes.ts';

/** JSON lines on standard error; JOULEOPS_LOG sets the level. A file takes them when a progress display owns the terminal. */
export function createLogger(bindings: Record<string, unknown> = {}, file?: string): Logger {
  const destination = file === undefined ? pino.destination({ fd: 2, sync: false }) : openLog(file);
  return pino(
    { level: levelOf(process.env['JOULEOPS_LOG']), base: null, timestamp: pino.stdTimeFunctions.isoTime },
    destination,
  ).child(bindings);
}

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

function levelOf(text = 'info'): string {
  if (levels.includes(text)) return text;
  throw usageError(`JOULEOPS_LOG=${text} is no level of a log`, `set it to one of: ${levels.join(', ')}`);
}

/** On a full disk lines are lost and nothing else: pino's own destination keeps the whole process busy with such a file. */
function openLog(file: string): DestinationStream {
  const descriptor = openSync(file, 'a', 0o600);
  return {
    write: (line) => {
      try {
        writeSync(descriptor, line);
      } catch {
        // There is nowhere to say so. What comes when there is room again is written.
      }
    },
  };
}
