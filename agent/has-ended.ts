/** Whether the signal has aborted by now: TypeScript believes an earlier check of `signal.aborted` across an await, and would call a second one needless. */
export function hasEnded(signal: AbortSignal): boolean {
  return signal.aborted;
}
