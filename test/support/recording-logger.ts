import { type Logger, pino } from 'pino';

export interface LogLine {
  level?: number;
  msg?: string;
  err?: { message?: string };
  key?: string;
  reconcileId?: string;
  dropped?: number;
}

/** A logger whose lines a test reads. */
export function recordingLogger(): { logger: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const logger = pino({ level: 'trace' }, { write: (line: string) => lines.push(JSON.parse(line) as LogLine) });
  return { logger, lines };
}
