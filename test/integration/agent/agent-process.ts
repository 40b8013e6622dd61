// An agent in a process of its own, for tests that kill it: `node agent-process.ts <options as JSON>`; prints its readiness.
import { destination, pino } from 'pino';
import type { AgentOptions } from '../../../agent/options.ts';
import { runAgent } from '../../../agent/run.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as AgentOptions;
const logger = pino({ level: process.env['TEST_LOG'] ?? 'silent' }, destination(2));
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
await runAgent(options, { logger, onReady: (readiness) => process.stdout.write(`${JSON.stringify(readiness)}\n`) }, stop.signal);
