// An agent in a process of its own, for tests that kill it: `node agent-process.ts <options as JSON>`; prints its readiness.
// With KILL_AT=N it is gone as by kill -9 at its Nth operation on the disk.
import { destination, pino } from 'pino';
import { systemDisk } from '../../../agent/disk/disk.ts';
import type { AgentOptions } from '../../../agent/options.ts';
import { runAgent } from '../../../agent/run.ts';
import { killingDisk } from '../../support/power-cut/killing-disk.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as AgentOptions;
const logger = pino({ level: process.env['TEST_LOG'] ?? 'silent' }, destination(2));
const killAt = process.env['KILL_AT'];
const disk = killAt === undefined ? systemDisk : killingDisk(Number(killAt));
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
await runAgent(
  options,
  { logger, disk, onReady: (readiness) => process.stdout.write(`${JSON.stringify(readiness)}\n`) },
  stop.signal,
);
