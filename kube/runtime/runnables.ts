// Starts the parts of a process in groups, in order, and stops them in reverse. After controller-runtime's runnable groups.
import type { Logger } from 'pino';
import { toError } from '../api/api-error.ts';
import type { Clock } from './clock.ts';

export interface Runnable {
  name: string;
  /** Runs until the signal aborts. Ending earlier without an error is allowed. */
  run(signal: AbortSignal): Promise<void>;
  /** The next group starts when this resolves; without it at once. */
  ready?: Promise<unknown>;
}

/** Servers answer first (probes), caches must be complete before others decide, and only the leader writes. */
export interface RunnableGroups {
  servers?: Runnable[];
  caches?: Runnable[];
  others?: Runnable[];
  leader?: Runnable[];
}

const order = ['servers', 'caches', 'others', 'leader'] as const satisfies (keyof RunnableGroups)[];

interface Started {
  name: string;
  abort: AbortController;
  ended: Promise<unknown>;
}

/**
 * Resolves when `signal` aborted and everything stopped. When one part fails, all are stopped, and its error is thrown.
 * A group that does not stop in `stopSeconds` (10) is named in the log and left behind.
 */
export async function runGroups(
  deps: { clock: Clock; logger: Logger },
  groups: RunnableGroups,
  signal: AbortSignal,
  options: { stopSeconds?: number } = {},
): Promise<void> {
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const stopping = new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    stop.addEventListener('abort', () => resolve(), { once: true });
  });
  const started: Started[] = [];

  function start(group: Runnable[], name: string): void {
    const abort = new AbortController();
    const runs = group.map(async (runnable) => {
      try {
        await runnable.run(abort.signal);
      } catch (error) {
        if (!abort.signal.aborted)
          failed.abort(new Error(`${runnable.name} failed: ${toError(error).message}`, { cause: error }));
      }
    });
    started.push({ name, abort, ended: Promise.all(runs) });
  }

  for (const name of order) {
    const group = groups[name] ?? [];
    if (stop.aborted || group.length === 0) continue;
    start(group, name);
    const ready = Promise.all(group.map(async (runnable) => runnable.ready)).catch((error: unknown) =>
      failed.abort(toError(error)),
    );
    await Promise.race([ready, stopping]);
  }
  await stopping;
  for (const group of started.toReversed()) await stopGroup(deps, group, options.stopSeconds ?? 10);
  failed.signal.throwIfAborted();
}

async function stopGroup(deps: { clock: Clock; logger: Logger }, group: Started, seconds: number): Promise<void> {
  group.abort.abort(new Error(`stopping ${group.name}`));
  const timer = new AbortController();
  const late = deps.clock.sleep(seconds * 1000, timer.signal).then(
    () => deps.logger.warn({ group: group.name, seconds }, 'did not stop in time'),
    () => undefined, // it stopped first
  );
  await Promise.race([group.ended, late]);
  timer.abort();
}
