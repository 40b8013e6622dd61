import { setTimeout as delay } from 'node:timers/promises';

/** Polls until `probe` stops throwing and returns its value; then the last failure is the test's failure. */
export async function eventually<T>(probe: () => T | Promise<T>, timeoutSeconds = 10, intervalMilliseconds = 25): Promise<T> {
  const deadline = performance.now() + timeoutSeconds * 1000;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(intervalMilliseconds);
    }
  }
}
