// Runs reconcile for keys. The only place where an outcome becomes a queue call; reconcilers never see the queue.
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { isConflict, isThrottled, toError } from '../api/api-error.ts';
import { backOffSeconds } from './back-off.ts';
import type { Clock } from './clock.ts';
import { type Metrics, noMetrics, type ReconcileResult } from './metrics.ts';
import { untilAborted } from './until-aborted.ts';
import { WorkQueue, type WorkQueueOptions } from './work-queue.ts';

/**
 * What a pass came to. There is no "requeue soon" on purpose: a rate limiter is for errors, and a wait deserves a real
 * duration and a reason. `stalled`: only a change of the spec helps, so nothing is retried.
 */
export type Outcome =
  | { kind: 'done' }
  | { kind: 'requeueAfter'; seconds: number; reason: string; message: string }
  | { kind: 'stalled'; reason: string; message: string }
  | { kind: 'failed'; error: Error };

export interface ControllerOptions {
  /** The label of its metrics and log lines. */
  name: string;
  workers?: number;
  reconcile: (key: string, signal: AbortSignal, logger: Logger) => Promise<Outcome>;
  /** Caches that must be complete before anything is decided. */
  synced: Promise<unknown>[];
  backOff?: WorkQueueOptions['backOff'];
  random?: () => number;
}

export interface Controller {
  queue: WorkQueue;
  /** Ends when the signal aborts and every pass under way has ended. */
  run(signal: AbortSignal): Promise<void>;
}

/** Waits are stretched by up to a tenth, so that a thousand objects do not come due in the same second. */
const jitter = 0.1;

export function createController(
  deps: { clock: Clock; logger: Logger; metrics?: Metrics },
  options: ControllerOptions,
): Controller {
  const { clock, metrics = noMetrics } = deps;
  const { name, random = Math.random } = options;
  const controllerLogger = deps.logger.child({ controller: name });
  const queue = new WorkQueue(
    { clock, metrics },
    { name, random, ...(options.backOff === undefined ? {} : { backOff: options.backOff }) },
  );
  let active = 0;

  async function pass(key: string, signal: AbortSignal): Promise<void> {
    const logger = controllerLogger.child({ key, reconcileId: randomUUID() });
    const started = clock.monotonic();
    metrics.set('active_workers', { controller: name }, ++active);
    const outcome = await attempt(options.reconcile, key, signal, logger);
    metrics.set('active_workers', { controller: name }, --active);
    const seconds = (clock.monotonic() - started) / 1000;
    metrics.observe('reconcile_duration_seconds', { controller: name }, seconds);
    if (signal.aborted && outcome.kind === 'failed') return; // shutting down is not a failure of the object
    const result = settle(key, outcome, logger);
    metrics.count('reconcile_total', { controller: name, result });
    logger.debug({ result, seconds }, 'reconciled');
  }

  function settle(key: string, outcome: Outcome, logger: Logger): ReconcileResult {
    switch (outcome.kind) {
      case 'done':
        queue.forget(key);
        return 'done';
      case 'requeueAfter':
        // Waiting is not failing: the history of failures ends here.
        queue.forget(key);
        queue.addAfter(key, outcome.seconds * (1 + jitter * random()));
        logger.debug({ reason: outcome.reason, seconds: outcome.seconds }, outcome.message);
        return 'requeueAfter';
      case 'stalled':
        queue.forget(key);
        logger.info({ reason: outcome.reason }, outcome.message);
        return 'stalled';
      case 'failed':
        return settleFailure(key, outcome.error, logger);
    }
  }

  function settleFailure(key: string, error: Error, logger: Logger): ReconcileResult {
    if (isConflict(error)) {
      queue.addRateLimited(key);
      logger.debug({ err: error }, 'the object changed meanwhile, trying again');
      return 'conflict';
    }
    if (isThrottled(error)) {
      const seconds =
        error.retryAfterSeconds ?? backOffSeconds(queue.failures(key) + 1, { firstSeconds: 1, maxSeconds: 60 }, random());
      queue.addAfter(key, seconds * (1 + jitter * random()));
      logger.info({ err: error, seconds }, 'the API server asks for patience');
      return 'throttled';
    }
    queue.addRateLimited(key);
    logger.error({ err: error, failures: queue.failures(key) }, 'reconciliation failed, trying again later');
    return 'failed';
  }

  async function work(signal: AbortSignal): Promise<void> {
    for (let key = await queue.get(signal); key !== undefined; key = await queue.get(signal)) {
      try {
        await pass(key, signal);
      } finally {
        queue.done(key);
      }
    }
  }

  return {
    queue,
    async run(signal) {
      await untilAborted(signal, Promise.all(options.synced));
      if (!signal.aborted) {
        await Promise.all(Array.from({ length: options.workers ?? 1 }, () => work(signal)));
      }
      queue.shutDown();
    },
  };
}

async function attempt(
  reconcile: ControllerOptions['reconcile'],
  key: string,
  signal: AbortSignal,
  logger: Logger,
): Promise<Outcome> {
  try {
    return await reconcile(key, signal, logger);
  } catch (error) {
    return { kind: 'failed', error: toError(error) };
  }
}
