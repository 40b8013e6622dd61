import type { Clock } from '../../kube/runtime/clock.ts';
import { InferenceError } from './errors.ts';

interface Waiting {
  start(): void;
  cancel(error: InferenceError): void;
}

export interface QueueLimits {
  /** Requests that have their turn together. */
  atOnce: number;
  /** Requests in all, those that have their turn included. */
  total: number;
}

/** Gives requests their turn in order, a few at once. What waits can be cancelled; who has the turn sees to that itself. */
export class RequestQueue {
  readonly #waiting: Waiting[] = [];
  readonly #limits: QueueLimits;
  readonly #clock: Clock;
  #running = 0;
  #lastEnded = Number.NEGATIVE_INFINITY;
  /** Smoothed milliseconds from one end to the next while there is work: what Retry-After is computed from. */
  #meanMilliseconds = 10;

  constructor(limits: QueueLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Requests in all. */
  get length(): number {
    return this.#running + this.#waiting.length;
  }

  /** Waits for its turn, then runs. @throws InferenceError queueFull, deadline, cancelled; and what `run` throws. */
  async submit<T>(run: () => Promise<T>, options: { deadline?: number; signal?: AbortSignal }): Promise<T> {
    await this.#turn(options);
    const started = this.#clock.monotonic();
    try {
      return await run();
    } finally {
      const ended = this.#clock.monotonic();
      this.#meanMilliseconds += 0.2 * (ended - Math.max(started, this.#lastEnded) - this.#meanMilliseconds);
      this.#lastEnded = ended;
      this.#running--;
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
    this.#running++;
    next.start();
  }

  #turn(options: { deadline?: number; signal?: AbortSignal }): Promise<void> {
    if (options.signal?.aborted) return Promise.reject(new InferenceError('cancelled', 'the request was cancelled'));
    if (this.#running < this.#limits.atOnce) {
      this.#running++;
      return Promise.resolve();
    }
    if (this.length >= this.#limits.total) return Promise.reject(this.#full());
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
        waiting.cancel(new InferenceError('deadline', `the request's timeout passed while ${this.length} others were here`));
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
    const seconds = Math.max(1, Math.ceil((this.length * this.#meanMilliseconds) / 1000));
    return new InferenceError('queueFull', `${this.length} requests are here already; try again in ${seconds} s`, {
      retryAfterSeconds: seconds,
    });
  }
}
