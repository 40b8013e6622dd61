// `jouleops calibrate` with networks of milliseconds in place of the probes, as a process that can be killed.
// Usage: calibrate-process.ts JSON-OF-FLAGS
import { type CalibrateFlags, calibrate } from '../../../cli/commands/calibrate.ts';
import { CommandError, exitCodes } from '../../../cli/exit-codes.ts';
import { anchorName, smallProbes } from './small-probes.ts';

const flags = JSON.parse(process.argv[2] ?? '{}') as CalibrateFlags;
const interrupt = new AbortController();
process.once('SIGTERM', () => interrupt.abort(new Error('interrupted')));
try {
  await calibrate(flags, interrupt.signal, smallProbes, anchorName);
} catch (error) {
  const { message } = error as Error;
  process.stderr.write(`${message}\n${error instanceof CommandError ? `next: ${error.next}\n` : ''}`);
  process.exitCode = error instanceof CommandError ? error.exitCode : exitCodes.failed;
}
