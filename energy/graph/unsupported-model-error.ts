export type UnsupportedReason =
  | 'NotOnnx'
  | 'UnsupportedOpset'
  | 'UnsupportedOperator'
  | 'TooLarge'
  | 'Materializes'
  | 'Timeout'
  | 'OutOfMemory'
  | 'Crashed'
  | 'ControlFlow'
  | 'ExternalData'
  | 'Invalid';

/** The file cannot be analysed, and so not be deployed; the message names the thing, the value and the next step. */
export class UnsupportedModelError extends Error {
  override readonly name = 'UnsupportedModelError';
  readonly reason: UnsupportedReason;

  constructor(reason: UnsupportedReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
