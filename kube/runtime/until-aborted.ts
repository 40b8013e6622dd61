/**
 * Resolves when the signal aborts, or has aborted before, or when `wait` resolves. Leaves no listener behind.
 * @throws what `wait` rejects with
 */
export async function untilAborted(signal: AbortSignal, wait?: Promise<unknown>): Promise<void> {
  if (signal.aborted) return;
  const aborted = Promise.withResolvers<void>();
  const onAbort = () => aborted.resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([aborted.promise, ...(wait ? [wait] : [])]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
