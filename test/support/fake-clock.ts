import type { Clock } from '../../kube/runtime/clock.ts';

interface Sleeper {
  wakeAt: number;
  wake(): void;
}

/** A clock that moves only when a test moves it. */
export class FakeClock implements Clock {
  #wall: number;
  #monotonic = 0;
  readonly #sleepers = new Set<Sleeper>();

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#wall = start;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  get sleeping(): number {
    return this.#sleepers.size;
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason as Error);
      };
      const sleeper: Sleeper = {
        wakeAt: this.#monotonic + milliseconds,
        wake: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#sleepers.add(sleeper);
    });
  }

  /** Moves both times on and wakes sleepers in the order of their times, letting each one's work settle. */
  async advance(milliseconds: number): Promise<void> {
    const target = this.#monotonic + milliseconds;
    for (;;) {
      await settle();
      const next = [...this.#sleepers].filter((sleeper) => sleeper.wakeAt <= target).sort((a, b) => a.wakeAt - b.wakeAt)[0];
      if (!next) break;
      this.#move(Math.max(0, next.wakeAt - this.#monotonic)); // after `freeze` some are late
      this.#sleepers.delete(next);
      next.wake();
    }
    this.#move(target - this.#monotonic);
    await settle();
  }

  /** The wall clock alone jumps, as when NTP corrects it. */
  jump(milliseconds: number): void {
    this.#wall += milliseconds;
  }

  /** Time passes and nobody wakes: a process that was stopped. Its timers come with the next `advance`. */
  freeze(milliseconds: number): void {
    this.#move(milliseconds);
  }

  #move(milliseconds: number): void {
    this.#monotonic += milliseconds;
    this.#wall += milliseconds;
  }
}

/** Lets promise chains and immediates that are ready run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
