// Gets every file of a ModelVersion into the artifact store: verified, or a reason why not.
import type { ModelVersion } from '../../crds/model-version.ts';
import type { ArtifactReference, ArtifactSource } from '../../crds/shared.ts';
import { isNotFound, toError } from '../../kube/api/api-error.ts';
import { secrets } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';
import { countQuantity } from '../../kube/meta/quantity.ts';
import { ArtifactError, type ArtifactReason } from '../artifacts/artifact-error.ts';
import { authorizationIn, secretForms } from '../artifacts/secret-authorization.ts';
import { type ArtifactOrigin, openSource } from '../artifacts/source.ts';
import type { ArtifactStore } from '../artifacts/store.ts';

export interface AcquireDeps {
  client: Pick<Client, 'get'>;
  artifacts: ArtifactStore;
  origins: readonly ArtifactOrigin[];
}

export type Acquired =
  /** `source`: where the bytes came from now, a tag resolved to what it stood for. */
  | { kind: 'present'; label: string; digest: string; bytes: number; source?: string }
  | { kind: 'missing'; label: string; digest: string; reason: ArtifactReason; message: string; transient: boolean };

/** Every file that devices may be told to fetch, with a name for messages. */
export function artifactsOf(version: ModelVersion): { label: string; reference: ArtifactReference }[] {
  const { variants, goldenSet, driftReference } = version.spec;
  return [
    ...variants.flatMap((variant) => [
      { label: `variant ${variant.name}`, reference: variant },
      ...(variant.externalData ?? []).map((file) => ({ label: `variant ${variant.name}, ${file.path}`, reference: file })),
    ]),
    ...(goldenSet ? [{ label: 'golden set', reference: goldenSet }] : []),
    ...(driftReference ? [{ label: 'drift reference', reference: driftReference }] : []),
  ];
}

/** Tries the sources in order until one gives the right bytes. */
export async function acquire(
  deps: AcquireDeps,
  artifact: { namespace: string; label: string; reference: ArtifactReference; maximumBytes: number },
  signal: AbortSignal,
): Promise<Acquired> {
  const { label, reference } = artifact;
  const { digest } = reference;
  const declared = reference.size === undefined ? undefined : countQuantity(reference.size);
  const present = deps.artifacts.size(digest);
  if (present !== undefined && (declared === undefined || declared === present))
    return { kind: 'present', label, digest, bytes: present };
  if (present !== undefined) return { ...sizeMismatch(present, declared), label, digest, kind: 'missing', transient: false };
  let failure: ArtifactError | undefined;
  for (const source of reference.sources) {
    try {
      const authorization = await authorizationOf(deps.client, artifact.namespace, source, signal);
      let resolved = source.uri;
      const request = {
        uri: source.uri,
        digest,
        onResolved: (uri: string) => {
          resolved = uri;
        },
        maximumBytes: artifact.maximumBytes,
        signal,
        ...(authorization === undefined ? {} : { authorization }),
      };
      const expected = { maximumBytes: artifact.maximumBytes, ...(declared === undefined ? {} : { bytes: declared }) };
      const bytes = await deps.artifacts.put(digest, expected, () => openSource(deps.origins, request));
      return { kind: 'present', label, digest, bytes, source: resolved };
    } catch (error) {
      signal.throwIfAborted();
      const problem = asArtifactError(error, source.uri);
      // The most telling failure is kept: wrong bytes over no bytes.
      if (!failure || (failure.transient && !problem.transient)) failure = problem;
    }
  }
  const { reason, message, transient } = failure ?? new ArtifactError('SourceUnavailable', 'the object names no source: add one');
  return { kind: 'missing', label, digest, reason, message, transient };
}

function sizeMismatch(present: number, declared: number | undefined): { reason: ArtifactReason; message: string } {
  return {
    reason: 'SizeMismatch',
    message: `the file of this digest has ${present} bytes, the object declares ${declared}: correct its size`,
  };
}

function asArtifactError(error: unknown, uri: string): ArtifactError {
  if (error instanceof ArtifactError)
    return error.message.includes(uri) ? error : new ArtifactError(error.reason, `${uri}: ${error.message}`, { cause: error });
  return new ArtifactError('SourceUnavailable', `${uri}: ${toError(error).message}`, {
    cause: error,
  });
}

async function authorizationOf(
  client: Pick<Client, 'get'>,
  namespace: string,
  source: ArtifactSource,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { secretName } = source;
  if (secretName === undefined) return undefined;
  const secret = await client.get(secrets, { namespace, name: secretName }, { signal }).catch((error: unknown) => {
    if (isNotFound(error))
      throw new ArtifactError(
        'SourceUnavailable',
        `there is no Secret ${namespace}/${secretName}: create it with ${secretForms}`,
      );
    throw error;
  });
  return authorizationIn(secret, `${namespace}/${secretName}`, source.uri);
}
