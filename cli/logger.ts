import { openSync, writeSync } from 'node:fs';
import { type DestinationStream, type Logger, pino } from 'pino';

/** JSON lines on standard error; JOULEOPS_LOG sets the level. A file takes them when a progress display owns the terminal. */
export function createLogger(bindings: Record<string, unknown> = {}, file?: string): Logger {
  const destination = file === undefined ? pino.destination({ fd: 2, sync: false }) : openLog(file);
  return pino(
    { level: process.env['JOULEOPS_LOG'] ?? 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime },
    destination,
  ).child(bindings);
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
