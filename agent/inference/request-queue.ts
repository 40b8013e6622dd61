import type { Clock } from '../../kube/runtime/clock.ts';
import { InferenceError } from './errors.ts';

interface Waiting {
  start(): void;
  cancel(error: InferenceError): void;
}

export interface QueueLimits {
  /** Requests that may wait; the one that runs is not counted. */
  capacity: number;
}

/** Lets one request run at a time, in order. What waits can be cancelled; what runs cannot. */
export class RequestQueue {
  readonly #waiting: Waiting[] = [];
  readonly #limits: QueueLimits;
  readonly #clock: Clock;
  #running = false;
  /** Smoothed milliseconds per run: what Retry-After is computed from. */
  #meanRunMilliseconds = 10;

  constructor(limits: QueueLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get length(): number {
    return this.#waiting.length;
  }

  get busy(): boolean {
    return this.#running;
  }

  /** Waits for its turn, then runs. @throws InferenceError queueFull, deadline, cancelled; and what `run` throws. */
  async submit<T>(run: () => Promise<T>, options: { deadline?: number; signal?: AbortSignal }): Promise<T> {
    await this.#turn(options);
    const started = this.#clock.monotonic();
    try {
      return await run();
    } finally {
      this.#meanRunMilliseconds += 0.2 * (this.#clock.monotonic() - started - this.#meanRunMilliseconds);
      this.#running = false;
      this.#startNext();
    }
  }

  /** Ends every waiting request with this error. */
  drain(error: InferenceError): void {
    for (const waiting of this.#waiting.splice(0)) waiting.cancel(error);
  }

  #startNext(): void {
    const next = this.#waiting.shift();
    if (!next) return;
    this.#running = true;
    next.start();
  }

  #turn(options: { deadline?: number; signal?: AbortSignal }): Promise<void> {
    if (options.signal?.aborted) return Promise.reject(new InferenceError('cancelled', 'the request was cancelled'));
    if (!this.#running) {
      this.#running = true;
      return Promise.resolve();
    }
    if (this.#waiting.length >= this.#limits.capacity) return Promise.reject(this.#full());
    return new Promise((resolve, reject) => {
      const remove = () => {
        const index = this.#waiting.indexOf(waiting);
        if (index >= 0) this.#waiting.splice(index, 1);
      };
      const waiting: Waiting = {
        start: () => {
          settle();
          resolve();
        },
        cancel: (error) => {
          settle();
          reject(error);
        },
      };
      const onAbort = () => {
        remove();
        waiting.cancel(new InferenceError('cancelled', 'the request was cancelled while it waited'));
      };
      const onDeadline = () => {
        remove();
        waiting.cancel(
          new InferenceError('deadline', `the request's timeout passed while ${this.#waiting.length} others waited`),
        );
      };
      const remaining = options.deadline === undefined ? undefined : Math.max(0, options.deadline - this.#clock.monotonic());
      const timer = remaining === undefined ? undefined : setTimeout(onDeadline, remaining);
      const settle = () => {
        clearTimeout(timer);
        options.signal?.removeEventListener('abort', onAbort);
      };
      options.signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(waiting);
    });
  }

  #full(): InferenceError {
    const seconds = Math.max(1, Math.ceil((this.#waiting.length * this.#meanRunMilliseconds) / 1000));
    return new InferenceError('queueFull', `${this.#waiting.length} requests wait already; try again in ${seconds} s`, {
      retryAfterSeconds: seconds,
    });
  }
}
