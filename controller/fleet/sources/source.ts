// What every source of a fleet gives: manifests of one revision, and what kept single files from being read.
import type { FileError, ManifestFile } from '../manifest.ts';

export interface SourceContent {
  revision: string;
  files: ManifestFile[];
  errors: FileError[];
}

export const sourceLimits = { files: 5000, fileBytes: 2 ** 20, totalBytes: 64 * 2 ** 20, depth: 16 } as const;

/** By name; what begins with a dot, at any depth, is not for us. */
export function isManifest(relative: string): boolean {
  return /\.(ya?ml|json)$/.test(relative) && !relative.split('/').some((part) => part.startsWith('.'));
}

/** The source cannot be had; `reason` is for machines. What was applied stays. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly reason: string;
  /** Only a change of the spec helps. */
  readonly permanent: boolean;

  constructor(reason: string, message: string, options: { permanent?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.reason = reason;
    this.permanent = options.permanent ?? false;
  }
}
