export type ArtifactFailure = 'DigestMismatch' | 'SizeMismatch' | 'InsufficientStorage' | 'DownloadFailed';

export class ArtifactError extends Error {
  readonly reason: ArtifactFailure;

  constructor(reason: ArtifactFailure, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ArtifactError';
    this.reason = reason;
  }
}
