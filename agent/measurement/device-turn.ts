import type { Clock } from '../../kube/runtime/clock.ts';

/** One measurement at a time on a device, in the order of asking. */
export class DeviceTurn {
  #last: Promise<void> = Promise.resolve();
  #held = false;

  get held(): boolean {
    return this.#held;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    const turn = Promise.withResolvers<void>();
    const before = this.#last;
    this.#last = turn.promise;
    await before;
    this.#held = true;
    try {
      return await work();
    } finally {
      this.#held = false;
      turn.resolve();
    }
  }
}

/** How busy the device is with requests from outside, over the last seconds. */
export class LiveLoad {
  readonly #clock: Clock;
  readonly #windowMilliseconds = 10_000;
  #events: { at: number; busyMilliseconds: number }[] = [];
  /** Everything that ran on this device since the start, for whatever reason. */
  inferences = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  record(busyMilliseconds: number): void {
    this.#events.push({ at: this.#clock.monotonic(), busyMilliseconds });
    if (this.#events.length > 4096) this.#events.splice(0, 2048);
  }

  percent(): number {
    const since = this.#clock.monotonic() - this.#windowMilliseconds;
    this.#events = this.#events.filter((event) => event.at >= since);
    const busy = this.#events.reduce((sum, event) => sum + event.busyMilliseconds, 0);
    return Math.min(100, (100 * busy) / this.#windowMilliseconds);
  }
}
