import type { Clock } from '../runtime/clock.ts';
import { WatchStreamError } from './watch-event.ts';

/**
 * Ends a watch that nobody else would end: a half-open connection gives no error for minutes (inactivity), and a server
 * may ignore timeoutSeconds (lifetime). `signal` aborts with a stalled WatchStreamError.
 */
export class WatchDeadline {
  readonly #abort = new AbortController();
  readonly #clock: Clock;
  #lastActivity: number;

  constructor(clock: Clock, call: string, limits: { inactivitySeconds: number; lifetimeSeconds: number }) {
    this.#clock = clock;
    this.#lastActivity = clock.monotonic();
    const endsAt = this.#lastActivity + limits.lifetimeSeconds * 1000;
    void this.#watch(call, limits.inactivitySeconds, endsAt);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Bytes came. */
  touch(): void {
    this.#lastActivity = this.#clock.monotonic();
  }

  end(): void {
    this.#abort.abort(new Error('the watch ended'));
  }

  async #watch(call: string, inactivitySeconds: number, endsAt: number): Promise<void> {
    while (!this.signal.aborted) {
      const silentAt = this.#lastActivity + inactivitySeconds * 1000;
      const wait = Math.min(silentAt, endsAt) - this.#clock.monotonic();
      if (wait > 0) {
        // Only `end` rejects this wait; the loop then sees it.
        await this.#clock.sleep(wait, this.signal).catch(() => undefined);
        continue;
      }
      const why = endsAt <= silentAt ? 'outlived its timeoutSeconds' : `was silent for ${inactivitySeconds} s`;
      this.#abort.abort(new WatchStreamError('stalled', `${call}: the watch ${why}`));
    }
  }
}
