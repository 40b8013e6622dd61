// One interface for every place that artifact bytes come from.
import { ArtifactError } from './artifact-error.ts';

export interface SourceRequest {
  uri: string;
  /** What the bytes must hash to: in a registry it says which file of the artifact is meant. */
  digest?: string;
  maximumBytes: number;
  signal: AbortSignal;
  /** Value of the Authorization header, out of the Secret that the source names. */
  authorization?: string;
  /** Told when a name that may move, such as a tag, was resolved to what it stands for now. */
  onResolved?: (uri: string) => void;
}

export interface ArtifactOrigin {
  readonly scheme: string;
  /** @throws ArtifactError that names the uri. */
  open(request: SourceRequest): Promise<AsyncIterable<Uint8Array>>;
}

/** Picks the origin by scheme. */
export function openSource(origins: readonly ArtifactOrigin[], request: SourceRequest): Promise<AsyncIterable<Uint8Array>> {
  const scheme = request.uri.slice(0, Math.max(0, request.uri.indexOf('://')));
  const origin = origins.find((candidate) => candidate.scheme === scheme);
  if (origin) return origin.open(request);
  const known = origins.map((candidate) => `${candidate.scheme}://`).join(', ');
  return Promise.reject(
    new ArtifactError(
      planned.has(scheme) ? 'NotImplemented' : 'SourceNotAllowed',
      `${request.uri}: this controller reads ${known}; publish the file there`,
    ),
  );
}

export function tooLarge({ uri, maximumBytes }: Pick<SourceRequest, 'uri' | 'maximumBytes'>, bytes: number): ArtifactError {
  return new ArtifactError(
    'TooLarge',
    `${uri} has ${bytes} bytes, the limit is ${maximumBytes}: publish a smaller file, or give the controller a larger --artifact-limit`,
  );
}

/** Schemes that the API names and that have no origin yet. */
const planned = new Set(['s3', 'hf']);
