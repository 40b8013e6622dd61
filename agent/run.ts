// The agent, put together: what is on disk serves first, then the servers are looked for.
import path from 'node:path';
import type { Logger } from 'pino';
import { simulatedSuffix } from '../crds/names.ts';
import { type Clock, systemClock } from '../kube/runtime/clock.ts';
import { untilAborted } from '../kube/runtime/until-aborted.ts';
import { startAgent } from './agent.ts';
import { followControlPlane } from './control-plane.ts';
import { makeDirectory, writeFileAtomic } from './disk/atomic-file.ts';
import { lockDirectory } from './disk/directory-lock.ts';
import { type Disk, systemDisk } from './disk/disk.ts';
import type { AgentOptions, AgentReadiness } from './options.ts';

export interface AgentDeps {
  logger: Logger;
  clock?: Clock;
  /** Where everything is kept; of the system when absent. */
  disk?: Disk;
  onReady?: (readiness: AgentReadiness) => void;
}

/**
 * Runs until the signal aborts. Resolves when everything is stopped.
 * @throws Error when it cannot start, or when the controller turns a device away that has nothing to serve.
 */
export async function runAgent(options: AgentOptions, deps: AgentDeps, signal: AbortSignal): Promise<void> {
  const { disk = systemDisk } = deps;
  await makeDirectory(options.dataDirectory, disk, 0o700);
  await using _lock = await lockDirectory(options.dataDirectory);
  const readyFile = path.join(options.dataDirectory, 'agent.json');
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  const agent = await startAgent(options, { logger: deps.logger, clock: deps.clock ?? systemClock, disk }, both);
  try {
    const readiness: AgentReadiness = {
      name: options.name,
      url: agent.url,
      ...(agent.grpc === undefined ? {} : { grpc: agent.grpc }),
      ...(agent.fingerprint === undefined ? {} : { fingerprint: agent.fingerprint }),
      simulated: options.simulate !== undefined,
      ...(options.simulate === undefined ? {} : { class: `${options.simulate}${simulatedSuffix}` }),
    };
    await writeFileAtomic(readyFile, `${JSON.stringify(readiness)}\n`, 0o644, disk);
    deps.onReady?.(readiness);
    deps.logger.info(readiness, 'the agent answers');
    if (options.standalone) await untilAborted(both);
    else await followControlPlane(options, agent.controlPlane, both);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    failed.abort(new Error('the agent stops'));
    await agent.close();
    await disk.remove(readyFile);
  }
}
