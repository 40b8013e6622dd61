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

const windowMilliseconds = 10_000;
const stepMilliseconds = 100;

/** How busy the device is with requests from outside, over the last ten seconds, and what else runs on it. */
export class LiveLoad {
  readonly #clock: Clock;
  /** Milliseconds of work that ended in each step of time. */
  readonly #busy = new Map<number, number>();
  /** Everything that ran on this device since the start, for whatever reason. */
  inferences = 0;
  /** Loads of models that began since the start. */
  preparations = 0;
  #preparing = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether a model is being loaded now, warmed up, or held against its golden set. */
  get preparing(): boolean {
    return this.#preparing > 0;
  }

  prepare(): Disposable {
    this.preparations++;
    this.#preparing++;
    return {
      [Symbol.dispose]: () => {
        this.#preparing--;
      },
    };
  }

  record(busyMilliseconds: number): void {
    const step = Math.floor(this.#clock.monotonic() / stepMilliseconds);
    if (!this.#busy.has(step)) this.#forget();
    this.#busy.set(step, (this.#busy.get(step) ?? 0) + busyMilliseconds);
  }

  percent(): number {
    this.#forget();
    const busy = [...this.#busy.values()].reduce((sum, milliseconds) => sum + milliseconds, 0);
    return Math.min(100, (100 * busy) / windowMilliseconds);
  }

  #forget(): void {
    const oldest = (this.#clock.monotonic() - windowMilliseconds) / stepMilliseconds;
    for (const step of this.#busy.keys()) if (step < oldest) this.#busy.delete(step);
  }
}
