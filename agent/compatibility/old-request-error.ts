/** Told to the caller with this status. */
export class OldRequestError extends Error {
  readonly status: number;

  constructor(status: number, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'OldRequestError';
    this.status = status;
  }
}
