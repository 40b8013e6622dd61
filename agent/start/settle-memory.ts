import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../../kube/runtime/clock.ts';

/** By then what is on disk has been loaded, and the device has joined. */
const settledSeconds = 15;

/**
 * Gives back, once, what only the start of this process needed: 2.6 MiB of 17 (docs/benchmarks.md), for a pause of about 40 ms.
 * V8 does so by itself only where memory is short.
 */
export async function settleMemory(clock: Clock, signal: AbortSignal): Promise<void> {
  await clock.sleep(settledSeconds * 1000, signal);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: object) => void;
  setFlagsFromString('--no-expose-gc');
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
