import { setTimeout as delay } from 'node:timers/promises';

/** Every read of the time and every wait goes through a Clock, so tests own both. */
export interface Clock {
  /** Wall time, milliseconds since the epoch: for what people and other machines read. */
  now(): number;
  /** Milliseconds that never go backwards: for ages, deadlines and back-off. */
  monotonic(): number;
  /** Resolves after `milliseconds`; rejects with the signal's reason when aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (milliseconds, signal) => delay(milliseconds, undefined, { signal }),
};
