// A process that has every descriptor in use that it may have, and is to start one more model.
import { openSync } from 'node:fs';
import { pino } from 'pino';
import { ModelLoadError } from '../../../agent/inference/errors.ts';
import { startModelProcess } from '../../../agent/inference/model-process.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';

process.stdout.write(''); // opened while that can be done
try {
  for (;;) openSync('/dev/null', 'r');
} catch {
  // the last one is taken
}
const options = { name: 'states', file: 'states.onnx', threads: 1, executionProviders: ['cpu'] };
const deps = { clock: systemClock, logger: pino({ level: 'silent' }) };
try {
  await startModelProcess({ ...options, loadTimeoutSeconds: 10, runTimeoutSeconds: 1 }, deps, new AbortController().signal);
} catch (error) {
  if (!(error instanceof ModelLoadError)) throw error;
  process.stdout.write(`${error.reason}: ${error.message}\n`);
}
