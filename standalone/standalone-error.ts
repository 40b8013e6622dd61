/** Why the embedded control plane cannot start or go on, and what to do about it. */
export class StandaloneError extends Error {
  /** The next step, a sentence for a person. */
  readonly next: string;

  constructor(message: string, next: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StandaloneError';
    this.next = next;
  }
}
