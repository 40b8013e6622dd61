import { beforeEach, expect, test } from 'vitest';
import { type Runnable, runGroups } from '../../../kube/runtime/runnables.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

let clock: FakeClock;
let log: ReturnType<typeof recordingLogger>;
let stop: AbortController;
let story: string[];

beforeEach(() => {
  clock = new FakeClock();
  log = recordingLogger();
  stop = new AbortController();
  story = [];
});

function part(name: string, options: { ready?: Promise<unknown>; failAfter?: number } = {}): Runnable {
  return {
    name,
    ...(options.ready === undefined ? {} : { ready: options.ready }),
    async run(signal) {
      story.push(`start ${name}`);
      try {
        await clock.sleep(options.failAfter ?? 1e9, signal);
        throw new Error('broke');
      } finally {
        story.push(`stop ${name}`);
      }
    },
  };
}

const run = (groups: Parameters<typeof runGroups>[1]) => runGroups({ clock, logger: log.logger }, groups, stop.signal);

test('groups start in order, each when the one before is ready, and stop in reverse', async () => {
  const synced = Promise.withResolvers<void>();
  const running = run({
    leader: [part('leader')],
    others: [part('other')],
    caches: [part('cache', { ready: synced.promise })],
    servers: [part('server', { ready: Promise.resolve() })],
  });
  await clock.advance(5000);
  expect(story).toEqual(['start server', 'start cache']);
  synced.resolve();
  await clock.advance(0);
  stop.abort();
  await clock.advance(0);
  await running;
  expect(story.slice(2)).toEqual(['start other', 'start leader', 'stop leader', 'stop other', 'stop cache', 'stop server']);
  expect(clock.sleeping).toBe(0);
});

test('one part that fails stops all, and its error names it', async () => {
  const running = run({ servers: [part('server')], others: [part('watcher', { failAfter: 3000 })] });
  const outcome = running.catch((error: unknown) => error);
  await clock.advance(3000);
  expect(await outcome).toMatchObject({ message: 'watcher failed: broke' });
  expect(story).toEqual(['start server', 'start watcher', 'stop watcher', 'stop server']);
});

test('a part that never gets ready fails the start', async () => {
  const port = Promise.reject(new Error('port 80 is in use'));
  await expect(run({ servers: [part('server', { ready: port })], leader: [part('leader')] })).rejects.toThrow(
    'port 80 is in use',
  );
  expect(story).toEqual(['start server', 'stop server']);
});

test('stopped while caches fill: what comes after is never started', async () => {
  const running = run({ caches: [part('cache', { ready: new Promise(() => undefined) })], leader: [part('leader')] });
  await clock.advance(1000);
  stop.abort();
  await running;
  expect(story).toEqual(['start cache', 'stop cache']);
});

test('a part that ends by itself without an error is no failure', async () => {
  const running = run({ others: [{ name: 'once', run: async () => void story.push('once') }] });
  await clock.advance(10_000);
  stop.abort();
  await running;
  expect(story).toEqual(['once']);
});

test('a part that does not stop is named and left behind', async () => {
  const running = run({ others: [{ name: 'stuck', run: () => new Promise(() => undefined) }] });
  await clock.advance(0);
  stop.abort();
  await clock.advance(10_000);
  await running;
  expect(log.lines.map((line) => line.msg)).toEqual(['did not stop in time']);
});
