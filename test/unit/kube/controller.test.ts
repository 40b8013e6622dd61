import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApiError } from '../../../kube/api/api-error.ts';
import { type Controller, createController, type Outcome } from '../../../kube/runtime/controller.ts';
import type { ReconcileResult } from '../../../kube/runtime/metrics.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { RecordedMetrics } from '../../support/recorded-metrics.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

let clock: FakeClock;
let metrics: RecordedMetrics;
let log: ReturnType<typeof recordingLogger>;
let stop: AbortController;
let running: Promise<void>;
let passes: string[];

beforeEach(() => {
  clock = new FakeClock();
  metrics = new RecordedMetrics();
  log = recordingLogger();
  stop = new AbortController();
  running = Promise.resolve();
  passes = [];
});
afterEach(async () => {
  stop.abort();
  await running;
});

type Reconcile = (key: string, signal: AbortSignal) => Promise<Outcome>;

function start(
  reconcile: Reconcile,
  options: { workers?: number; synced?: Promise<unknown>[]; random?: () => number } = {},
): Controller {
  const controller = createController(
    { clock, logger: log.logger, metrics },
    {
      name: 'things',
      synced: [],
      random: () => 0,
      backOff: { firstSeconds: 1, maxSeconds: 60 },
      ...options,
      reconcile: async (key, signal, logger) => {
        passes.push(`${clock.monotonic() / 1000}s ${key}`);
        logger.info('a line of the pass');
        return reconcile(key, signal);
      },
    },
  );
  running = controller.run(stop.signal);
  return controller;
}

const counted = (result: ReconcileResult) => metrics.value('reconcile_total', { controller: 'things', result });
const apiError = (status: number, reason: string, retryAfterSeconds?: number) =>
  new ApiError({ status, reason, message: reason, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) });

/** Answers in order, then `done`. */
function answers(...outcomes: (Outcome | Error)[]): Reconcile {
  return async () => {
    const next = outcomes.shift() ?? { kind: 'done' };
    if (next instanceof Error) throw next;
    return next;
  };
}

test('nothing is decided before every cache is complete', async () => {
  const synced = Promise.withResolvers<void>();
  const { queue } = start(answers(), { synced: [Promise.resolve(), synced.promise] });
  queue.add('a');
  await clock.advance(60_000);
  expect(passes).toEqual([]);
  synced.resolve();
  await clock.advance(0);
  expect(passes).toEqual(['60s a']);
});

test('a requeue is spread over a tenth of its time, so that a thousand repositories are not asked in one second', async () => {
  const again: Outcome = { kind: 'requeueAfter', seconds: 60, reason: 'Interval', message: '' };
  const { queue } = start(answers(again), { random: () => 0.5 });
  queue.add('a');
  await clock.advance(62_900);
  expect(passes).toEqual(['0s a']);
  await clock.advance(200);
  expect(passes).toHaveLength(2);
});

test('done: no more until the next add', async () => {
  const { queue } = start(answers());
  queue.add('a');
  await clock.advance(3_600_000);
  expect(passes).toEqual(['0s a']);
  expect(counted('done')).toBe(1);
});

test('requeueAfter: once more after the wait, and the history of failures ends', async () => {
  const wait: Outcome = { kind: 'requeueAfter', seconds: 30, reason: 'Waiting', message: 'for something' };
  const { queue } = start(answers(new Error('x'), new Error('x'), wait, new Error('x')));
  queue.add('a');
  await clock.advance(100_000);
  expect(passes).toEqual(['0s a', '1s a', '3s a', '33s a', '34s a']);
  expect([counted('failed'), counted('requeueAfter'), counted('done')]).toEqual([3, 1, 1]);
});

test('stalled: only a change helps, nothing is retried', async () => {
  const { queue } = start(answers({ kind: 'stalled', reason: 'BadSpec', message: 'no' }));
  queue.add('a');
  await clock.advance(3_600_000);
  expect(passes).toEqual(['0s a']);
  expect(counted('stalled')).toBe(1);
});

test('failed, returned or thrown: backs off, logs and counts', async () => {
  const { queue } = start(answers({ kind: 'failed', error: new Error('returned') }, new Error('thrown')));
  queue.add('a');
  await clock.advance(10_000);
  expect(passes).toEqual(['0s a', '1s a', '3s a']);
  expect(log.lines.filter((line) => line.level === 50).map((line) => line.err?.message)).toEqual(['returned', 'thrown']);
});

test('a conflict is tried again quietly', async () => {
  const { queue } = start(answers(apiError(409, 'Conflict')));
  queue.add('a');
  await clock.advance(10_000);
  expect(passes).toEqual(['0s a', '1s a']);
  expect(counted('conflict')).toBe(1);
  expect(log.lines.filter((line) => (line.level ?? 0) >= 40)).toEqual([]);
});

test('a server that throttles is left alone as long as it asks', async () => {
  const { queue } = start(answers(apiError(429, 'TooManyRequests', 45)));
  queue.add('a');
  await clock.advance(60_000);
  expect(passes).toEqual(['0s a', '45s a']);
  expect(counted('throttled')).toBe(1);
});

test('every line of one pass carries one reconcile id, another pass another', async () => {
  const { queue } = start(answers());
  for (const key of ['a', 'b']) queue.add(key);
  await clock.advance(0);
  const ids = new Map<string, Set<unknown>>();
  for (const line of log.lines) ids.set(line.key ?? '', (ids.get(line.key ?? '') ?? new Set()).add(line.reconcileId));
  expect([...ids.keys()]).toEqual(['a', 'b']);
  expect([...ids.values()].map((set) => set.size)).toEqual([1, 1]);
  expect(ids.get('a')).not.toEqual(ids.get('b'));
});

test('several workers, one pass at a time for one key, and a change meanwhile leads to another', async () => {
  let active = 0;
  let most = 0;
  const { queue } = start(
    async (_, signal) => {
      active += 1;
      most = Math.max(most, active);
      await clock.sleep(5000, signal);
      active -= 1;
      return { kind: 'done' };
    },
    { workers: 2 },
  );
  for (const key of ['a', 'b', 'c']) queue.add(key);
  await clock.advance(1000);
  queue.add('a');
  expect(metrics.value('active_workers', { controller: 'things' })).toBe(2);
  await clock.advance(30_000);
  expect(most).toBe(2);
  expect(passes).toEqual(['0s a', '0s b', '5s c', '5s a']);
});

test('stopping waits for the pass under way; that it was cut off is no failure', async () => {
  const ended: string[] = [];
  const { queue } = start(async (key, signal) => {
    await clock.sleep(5000, signal).finally(() => ended.push(key));
    return { kind: 'done' };
  });
  queue.add('a');
  queue.add('b');
  await clock.advance(1000);
  stop.abort(new Error('shutting down'));
  await running;
  expect(ended).toEqual(['a']);
  expect(counted('failed')).toBe(0);
  expect(log.lines.filter((line) => line.level === 50)).toEqual([]);
});

test('stopping before the caches are complete ends at once', async () => {
  start(answers(), { synced: [new Promise(() => undefined)] });
  stop.abort();
  await running;
  expect(passes).toEqual([]);
});
