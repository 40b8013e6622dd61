/** What the shell sees. Documented in `jouleops --help`. */
export const exitCodes = {
  ok: 0,
  /** Something failed: the message says what and what to do next. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** The command worked, and its answer is no: refused, not converged, over budget. */
  negative: 3,
  interrupted: 130,
} as const;

/** An error for a person: printed without a stack, with the next step below. */
export class CommandError extends Error {
  readonly next: string;
  readonly exitCode: number;

  constructor(message: string, next: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'CommandError';
    this.next = next;
    this.exitCode = options.exitCode ?? exitCodes.failed;
  }
}

/** The command line is wrong: nothing was begun. */
export function usageError(message: string, next: string, cause?: unknown): CommandError {
  return new CommandError(message, next, { exitCode: exitCodes.usage, cause });
}
