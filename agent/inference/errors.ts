export type InferenceFailure =
  /** The request does not fit the model: 400. */
  | 'invalid'
  /** No such model or version: 404. */
  | 'notFound'
  /** 429, with Retry-After. */
  | 'queueFull'
  /** The request's or the model's deadline passed: 503. */
  | 'deadline'
  | 'cancelled'
  /** The model is loading, restarting or gone: 503. */
  | 'unavailable'
  /** The runtime refused or the process died while it ran: 500. */
  | 'failed';

export class InferenceError extends Error {
  readonly kind: InferenceFailure;
  readonly retryAfterSeconds: number | undefined;

  constructor(kind: InferenceFailure, message: string, options?: { cause?: unknown; retryAfterSeconds?: number }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'InferenceError';
    this.kind = kind;
    this.retryAfterSeconds = options?.retryAfterSeconds;
  }
}

export type LoadFailure = 'UnsupportedModel' | 'InsufficientMemory' | 'LoadFailed';

export class ModelLoadError extends Error {
  readonly reason: LoadFailure;

  constructor(reason: LoadFailure, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ModelLoadError';
    this.reason = reason;
  }
}
