/** Condition reasons of crds/conditions.ts that fetching can end in. */
export type ArtifactReason =
  | 'DigestMismatch'
  | 'SizeMismatch'
  | 'SourceUnavailable'
  | 'SourceNotAllowed'
  | 'TooLarge'
  | 'InsufficientStorage'
  | 'NotImplemented';

/** An artifact could not be had; the message names the source, what was wrong and the next step. */
export class ArtifactError extends Error {
  override readonly name = 'ArtifactError';
  readonly reason: ArtifactReason;
  constructor(reason: ArtifactReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }

  /** Whether trying again can help while nobody changes the object. */
  get transient(): boolean {
    return this.reason === 'SourceUnavailable' || this.reason === 'InsufficientStorage';
  }
}
