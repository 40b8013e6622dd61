// The throttle: a model that may be busy only for a share of the time.
import type { Clock } from '../../kube/runtime/clock.ts';
import { InferenceError } from '../inference/errors.ts';

interface Cap {
  /** Share of the time, above 0 and below 1. */
  duty: number;
  /** The model's own time that was used and not earned back yet, in seconds. */
  debtSeconds: number;
  /** Monotonic milliseconds of the last look. */
  at: number;
}

/** A request that would have to wait longer is refused with the time to come back. */
const maximumWaitSeconds = 2;
/** What is earned in this time may be saved up. */
const savedSeconds = 1;

export class Pace {
  readonly #clock: Clock;
  readonly #caps = new Map<string, Cap>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param duty of 1 or more lifts the cap. */
  set(revision: string, duty: number): void {
    if (!(duty < 1)) {
      this.#caps.delete(revision);
      return;
    }
    const known = this.#caps.get(revision);
    if (known) known.duty = duty;
    else this.#caps.set(revision, { duty, debtSeconds: 0, at: this.#clock.monotonic() });
  }

  lift(revision: string): void {
    this.#caps.delete(revision);
  }

  /** Forgets revisions that are no longer here. */
  keepOnly(revisions: ReadonlySet<string>): void {
    for (const revision of this.#caps.keys()) if (!revisions.has(revision)) this.#caps.delete(revision);
  }

  /** What status says of it; undefined while it is not held back. */
  noteOf(revision: string): string | undefined {
    const cap = this.#caps.get(revision);
    return cap ? `${shareOf(cap)} of the time` : undefined;
  }

  dutyOf(revision: string): number | undefined {
    return this.#caps.get(revision)?.duty;
  }

  /**
   * Waits until the model may run again.
   * @param expectedSeconds of the model's own time: booked when it is let through.
   * @param deadline monotonic milliseconds after which its answer is of no use.
   * @throws InferenceError queueFull when the wait would be too long, cancelled when the signal ends it.
   */
  async turn(
    revision: string,
    expectedSeconds: number,
    signal?: AbortSignal,
    deadline = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    const cap = this.#caps.get(revision);
    if (!cap) return;
    const now = this.#clock.monotonic();
    cap.debtSeconds = Math.max(-savedSeconds * cap.duty, cap.debtSeconds - ((now - cap.at) / 1000) * cap.duty);
    cap.at = now;
    // To the millisecond: what sums of fractions leave beyond that is no reason to wait another second.
    const waitSeconds = Math.max(0, Math.round((cap.debtSeconds / cap.duty) * 1000) / 1000);
    if (waitSeconds > maximumWaitSeconds || now + waitSeconds * 1000 > deadline) {
      const retryAfterSeconds = Math.ceil(waitSeconds);
      throw new InferenceError(
        'queueFull',
        `the model is ${shareOf(cap)} of the time because it broke its budget; come back in ${retryAfterSeconds} s`,
        { retryAfterSeconds },
      );
    }
    cap.debtSeconds += expectedSeconds;
    if (waitSeconds === 0) return;
    try {
      await this.#clock.sleep(waitSeconds * 1000, signal ?? new AbortController().signal);
    } catch (error) {
      cap.debtSeconds -= expectedSeconds; // it never ran
      throw new InferenceError('cancelled', 'the request was cancelled while it waited', { cause: error });
    }
  }
}

function shareOf({ duty }: Cap): string {
  return `throttled to ${(duty * 100).toPrecision(2)} %`;
}
