// A queue of keys for level-based work. A key is a name, never an event: whatever happened to the object since it was
// added is seen by the worker that takes it. Three sets keep two promises. Never two workers on one key: a key added while
// it is `processing` goes to `dirty` and is queued again only when its worker is done. Never a lost add: the last add
// always leads to a pass that begins after it. Many adds of one key before that pass count once.
import { type BackOffLimits, backOffSeconds } from './back-off.ts';
import type { Clock } from './clock.ts';
import { DelayedKeys } from './delayed-keys.ts';
import { type Metrics, noMetrics } from './metrics.ts';

export interface WorkQueueOptions {
  /** The label of its metrics. */
  name?: string;
  /** Waits after failures: 0.2 s to 2 min unless told otherwise. */
  backOff?: BackOffLimits;
  random?: () => number;
}

type Waiter = (key: string | undefined) => void;

/** One for all: an abort without a reason makes an exception with a stack, hundreds of times a second in a busy fleet. */
const rearranged = new Error('another key is due first');

export class WorkQueue {
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #name: string;
  readonly #backOff: BackOffLimits;
  readonly #random: () => number;

  /** In order of arrival, with the time of each. */
  readonly #queued = new Map<string, number>();
  readonly #processing = new Map<string, number>();
  readonly #dirty = new Set<string>();

  readonly #delayed = new DelayedKeys();
  readonly #failures = new Map<string, number>();
  readonly #waiters = new Set<Waiter>();
  #alarm: AbortController | undefined;
  #shutDown = false;

  constructor(deps: { clock: Clock; metrics?: Metrics }, options: WorkQueueOptions = {}) {
    this.#clock = deps.clock;
    this.#metrics = deps.metrics ?? noMetrics;
    this.#name = options.name ?? '';
    this.#backOff = options.backOff ?? { firstSeconds: 0.2, maxSeconds: 120 };
    this.#random = options.random ?? Math.random;
    this.#metrics.beforeScrape(() => this.#publishAges());
  }

  /** Keys ready to be taken; those that wait for a time do not count. */
  get length(): number {
    return this.#queued.size;
  }

  /** Keys that wait for a time. */
  get delayed(): number {
    return this.#delayed.size;
  }

  add(key: string): void {
    if (this.#shutDown || this.#queued.has(key) || this.#dirty.has(key)) return;
    this.#metrics.count('workqueue_adds_total', this.#labels);
    if (this.#processing.has(key)) {
      this.#dirty.add(key);
      return;
    }
    this.#enqueue(key);
  }

  /** Adds the key later. Of several times for one key the earliest counts. */
  addAfter(key: string, seconds: number): void {
    if (this.#shutDown) return;
    if (!(seconds > 0)) {
      this.add(key);
      return;
    }
    if (this.#delayed.put(key, this.#clock.monotonic() + seconds * 1000)) this.#setAlarm();
  }

  /** Adds the key after a wait that doubles with each call until `forget`. */
  addRateLimited(key: string): void {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    this.#metrics.count('workqueue_retries_total', this.#labels);
    this.addAfter(key, backOffSeconds(failures, this.#backOff, this.#random()));
  }

  /** The key succeeded, or will not be retried: its next failure waits the shortest time. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** How often the key failed in a row. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, or undefined when the signal aborts or the queue is shut down and empty. Call `done` after each key. */
  get(signal: AbortSignal): Promise<string | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    const next = this.#take();
    if (next !== undefined || this.#shutDown) return Promise.resolve(next);
    return new Promise((resolve) => {
      const waiter: Waiter = (key) => {
        this.#waiters.delete(waiter);
        signal.removeEventListener('abort', onAbort);
        resolve(key);
      };
      const onAbort = () => waiter(undefined);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiters.add(waiter);
    });
  }

  /** Work on the key ended, well or not. */
  done(key: string): void {
    const startedAt = this.#processing.get(key);
    if (startedAt === undefined) return;
    this.#processing.delete(key);
    this.#metrics.observe('workqueue_work_duration_seconds', this.#labels, (this.#clock.monotonic() - startedAt) / 1000);
    if (this.#dirty.delete(key)) this.#enqueue(key);
  }

  /** Takes no more keys and drops those that wait for a time; those already queued (or dirty) can still be taken. */
  shutDown(): void {
    this.#shutDown = true;
    this.#alarm?.abort(rearranged);
    this.#delayed.clear();
    for (const waiter of this.#waiters) waiter(undefined);
  }

  get #labels(): { name: string } {
    return { name: this.#name };
  }

  #enqueue(key: string): void {
    this.#queued.set(key, this.#clock.monotonic());
    this.#publishDepth();
    const [waiter] = this.#waiters;
    if (waiter) waiter(this.#take());
  }

  #take(): string | undefined {
    const first = this.#queued.entries().next().value;
    if (first === undefined) return undefined;
    const [key, queuedAt] = first;
    const now = this.#clock.monotonic();
    this.#queued.delete(key);
    this.#processing.set(key, now);
    this.#metrics.observe('workqueue_queue_duration_seconds', this.#labels, (now - queuedAt) / 1000);
    this.#publishDepth();
    return key;
  }

  /** One sleeper for all delayed keys, until the earliest is due. */
  #setAlarm(): void {
    this.#alarm?.abort(rearranged);
    const dueAt = this.#delayed.nextAt();
    if (dueAt === undefined) return;
    const alarm = new AbortController();
    this.#alarm = alarm;
    this.#clock.sleep(Math.max(0, dueAt - this.#clock.monotonic()), alarm.signal).then(
      () => this.#release(),
      () => undefined, // an earlier key took over, or the queue is shut down
    );
  }

  #release(): void {
    const now = this.#clock.monotonic();
    for (let key = this.#delayed.takeDue(now); key !== undefined; key = this.#delayed.takeDue(now)) this.add(key);
    this.#setAlarm();
  }

  #publishDepth(): void {
    this.#metrics.set('workqueue_depth', this.#labels, this.#queued.size);
  }

  #publishAges(): void {
    const now = this.#clock.monotonic();
    const ages = [...this.#processing.values()].map((startedAt) => (now - startedAt) / 1000);
    this.#metrics.set(
      'workqueue_unfinished_work_seconds',
      this.#labels,
      ages.reduce((sum, age) => sum + age, 0),
    );
    this.#metrics.set('workqueue_longest_running_processor_seconds', this.#labels, Math.max(0, ...ages));
  }
}
