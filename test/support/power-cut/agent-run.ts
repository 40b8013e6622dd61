// An agent of this process, on a disk of its own.
import { type Disk, systemDisk } from '../../../agent/disk/disk.ts';
import type { AgentOptions, AgentReadiness } from '../../../agent/options.ts';
import { runAgent } from '../../../agent/run.ts';
import { type Clock, systemClock } from '../../../kube/runtime/clock.ts';
import { silentLogger } from '../silent-logger.ts';

export interface AgentRun extends AsyncDisposable {
  url: string;
  stop(): Promise<void>;
}

/** @returns once it answers requests. */
export async function startAgentRun(
  options: AgentOptions,
  clock: Clock = systemClock,
  disk: Disk = systemDisk,
): Promise<AgentRun> {
  const stopping = new AbortController();
  const ready = Promise.withResolvers<AgentReadiness>();
  const run = runAgent(options, { logger: silentLogger, clock, disk, onReady: ready.resolve }, stopping.signal);
  run.catch(ready.reject);
  const { url } = await ready.promise;
  const stop = async () => {
    stopping.abort();
    await run;
  };
  return { url, stop, [Symbol.asyncDispose]: stop };
}
