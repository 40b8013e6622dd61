import { type Logger, pino } from 'pino';

/** JSON lines on standard error; JOULEOPS_LOG sets the level. A file takes them when a progress display owns the terminal. */
export function createLogger(bindings: Record<string, unknown> = {}, file?: string): Logger {
  const destination = pino.destination(file === undefined ? { fd: 2, sync: false } : { dest: file, mkdir: true, sync: false });
  return pino(
    { level: process.env['JOULEOPS_LOG'] ?? 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime },
    destination,
  ).child(bindings);
}
