import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WorkQueue } from '../../../kube/runtime/work-queue.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { RecordedMetrics } from '../../support/recorded-metrics.ts';

const never = new AbortController().signal;

function build() {
  const clock = new FakeClock();
  const metrics = new RecordedMetrics();
  const backOff = { firstSeconds: 1, maxSeconds: 60 };
  return { clock, metrics, queue: new WorkQueue({ clock, metrics }, { name: 'q', backOff, random: () => 0 }) };
}

test('a key added many times is taken once, in order of arrival', async () => {
  const { queue } = build();
  for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
  expect(queue.length).toBe(3);
  expect([await queue.get(never), await queue.get(never), await queue.get(never)]).toEqual(['a', 'b', 'c']);
});

test('a key added while it is worked on comes once more, after its worker is done', async () => {
  const { queue } = build();
  queue.add('a');
  await queue.get(never);
  queue.add('a');
  queue.add('a');
  expect(queue.length).toBe(0);
  queue.done('a');
  expect(queue.length).toBe(1);
  expect(await queue.get(never)).toBe('a');
  queue.done('a');
  expect(queue.length).toBe(0);
});

test('a waiting worker is woken by an add, and leaves with undefined when its signal aborts', async () => {
  const { queue } = build();
  const waiting = queue.get(never);
  queue.add('a');
  expect(await waiting).toBe('a');
  const stop = new AbortController();
  const second = queue.get(stop.signal);
  stop.abort();
  expect(await second).toBeUndefined();
  queue.add('b');
  expect(queue.length).toBe(1); // not handed to the worker that left
});

describe('addAfter', () => {
  test('keeps the earliest of several times', async () => {
    const { queue, clock } = build();
    queue.addAfter('a', 60);
    queue.addAfter('a', 10);
    queue.addAfter('a', 30);
    await clock.advance(9999);
    expect(queue.length).toBe(0);
    await clock.advance(1);
    expect(queue.length).toBe(1);
    queue.done((await queue.get(never)) ?? '');
    await clock.advance(60_000);
    expect(queue.length).toBe(0);
  });

  test('releases many keys each at its own time, with one sleeper', async () => {
    const { queue, clock } = build();
    for (const seconds of [5, 3, 9, 1, 7]) queue.addAfter(`after-${seconds}`, seconds);
    expect(clock.sleeping).toBe(1);
    const released: string[] = [];
    for (let second = 0; second < 10; second++) {
      await clock.advance(1000);
      while (queue.length > 0) released.push(`${second + 1}: ${await queue.get(never)}`);
    }
    expect(released).toEqual(['1: after-1', '3: after-3', '5: after-5', '7: after-7', '9: after-9']);
  });

  test('without a wait is add', () => {
    const { queue } = build();
    queue.addAfter('a', 0);
    queue.addAfter('b', Number.NaN);
    expect(queue.length).toBe(2);
  });
});

test('addRateLimited doubles the wait up to its maximum, forget begins anew', async () => {
  const { queue, clock } = build();
  const waits: number[] = [];
  const fail = async () => {
    queue.addRateLimited('a');
    let seconds = 0;
    for (; queue.length === 0; seconds++) await clock.advance(1000);
    waits.push(seconds);
    queue.done((await queue.get(never)) ?? '');
  };
  for (let failure = 0; failure < 8; failure++) await fail();
  queue.forget('a');
  await fail();
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 1]);
});

test('after shutDown the rest is drained, nothing new is taken, delayed keys are dropped', async () => {
  const { queue, clock } = build();
  queue.add('a');
  queue.add('b');
  queue.addAfter('later', 5);
  await queue.get(never);
  queue.add('a');
  queue.shutDown();
  queue.add('new');
  expect(await queue.get(never)).toBe('b');
  queue.done('a');
  expect(await queue.get(never)).toBe('a'); // its add came before the shutdown
  await clock.advance(10_000);
  expect(await queue.get(never)).toBeUndefined();
  expect(clock.sleeping).toBe(0);
});

test('measures depth, adds, retries, waits and work', async () => {
  const { queue, clock, metrics } = build();
  queue.add('a');
  queue.add('b');
  queue.add('b');
  await queue.get(never);
  await clock.advance(4000);
  await queue.get(never);
  await clock.advance(2000);
  const labels = { name: 'q' };
  expect(metrics.value('workqueue_depth', labels)).toBe(0);
  expect(metrics.value('workqueue_adds_total', labels)).toBe(2);
  expect(metrics.value('workqueue_unfinished_work_seconds', labels)).toBe(8);
  expect(metrics.value('workqueue_longest_running_processor_seconds', labels)).toBe(6);
  queue.done('a');
  queue.addRateLimited('a');
  expect(metrics.value('workqueue_retries_total', labels)).toBe(1);
  expect(metrics.value('workqueue_queue_duration_seconds', labels)).toBe(2);
  expect(metrics.value('workqueue_work_duration_seconds', labels)).toBe(1);
});

describe('whatever the order of calls', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const seconds = fc.integer({ min: 0, max: 5 });
  const call = fc.oneof(
    key.map((name) => (world: World) => world.owe(name, () => world.queue.add(name))),
    fc.tuple(key, seconds).map(
      ([name, wait]) =>
        (world: World) =>
          world.owe(name, () => world.queue.addAfter(name, wait)),
    ),
    key.map((name) => (world: World) => world.owe(name, () => world.queue.addRateLimited(name))),
    key.map((name) => (world: World) => world.queue.forget(name)),
    key.map((name) => (world: World) => world.finish(name)),
    fc.constant((world: World) => world.take()),
    seconds.map((wait) => (world: World) => world.clock.advance(wait * 1000)),
  );

  test('never two workers on one key, never a lost add, nothing left over', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 60 }), async (calls) => {
        const world = new World();
        for (const perform of calls) await perform(world);
        await world.workOff();
        expect([...world.owed]).toEqual([]);
        expect([world.queue.length, world.queue.delayed]).toEqual([0, 0]);
      }),
      { numRuns: 300 },
    );
  });
});

/** Workers around a queue, and what the queue owes them. */
class World {
  readonly #built = build();
  readonly queue = this.#built.queue;
  readonly clock = this.#built.clock;
  /** Keys added since the last pass over them began: each must see another pass. */
  readonly owed = new Set<string>();
  readonly #working = new Set<string>();
  readonly #waiting: Promise<void>[] = [];
  readonly #stop = new AbortController();

  owe(key: string, add: () => void): void {
    this.owed.add(key);
    add();
  }

  async take(): Promise<void> {
    this.#waiting.push(this.#work(this.#stop.signal));
    await Promise.resolve();
  }

  finish(key: string): void {
    if (this.#working.delete(key)) this.queue.done(key);
  }

  /** Enough time and enough workers for everything that was added. */
  async workOff(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#waiting);
    await this.clock.advance(200_000);
    for (let round = 0; round < 4; round++) {
      for (const key of this.#working) this.finish(key);
      for (let count = this.queue.length; count > 0; count--) await this.#work(never);
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    const key = await this.queue.get(signal);
    if (key === undefined) return;
    expect(this.#working.has(key)).toBe(false);
    this.#working.add(key);
    this.owed.delete(key);
  }
}
