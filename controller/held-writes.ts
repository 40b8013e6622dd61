import type { Clock } from '../kube/runtime/clock.ts';

/**
 * Holds back a write that a later one will most likely contain: each costs the server a transaction, and wakes everybody who
 * watches. What nothing followed is written when its time is over.
 */
export class HeldWrites {
  readonly #clock: Clock;
  readonly #holdSeconds: number;
  /** By key: when the first of the writes that are held was due, monotonic milliseconds. */
  readonly #since = new Map<string, number>();

  constructor(clock: Clock, holdSeconds: number) {
    this.#clock = clock;
    this.#holdSeconds = holdSeconds;
  }

  /** Seconds that a write for this key, due now, is still to wait; 0 = write it. */
  remaining(key: string): number {
    const now = this.#clock.monotonic();
    const since = this.#since.get(key) ?? now;
    this.#since.set(key, since);
    return Math.max(0, this.#holdSeconds - (now - since) / 1000);
  }

  /** Written, or nothing is to be written any more. */
  settle(key: string): void {
    this.#since.delete(key);
  }
}
