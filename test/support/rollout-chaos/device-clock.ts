import type { Clock } from '../../../kube/runtime/clock.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';

/** How much sooner a device wakes from its waits: a minute until the next try is a second here. */
const haste = 60;

/** A device's own idea of the time of day, which may be wrong and may jump; and waits that are short enough for a test. */
export class DeviceClock implements Clock {
  skewMilliseconds = 0;

  now(): number {
    return systemClock.now() + this.skewMilliseconds;
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return systemClock.sleep(milliseconds / haste, signal);
  }

  /** As long as it says. */
  wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    return systemClock.sleep(milliseconds, signal);
  }
}
