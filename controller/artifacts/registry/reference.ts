import { ArtifactError } from '../artifact-error.ts';

/** One manifest in a registry. */
export interface RegistryReference {
  /** Host, with its port when it names one. */
  host: string;
  repository: string;
  /** A tag, or `sha256:<64 hex>`. */
  version: string;
}

const pattern =
  /^oci:\/\/(?<host>[A-Za-z0-9.-]+(?::\d+)?|\[[0-9a-f:]+\](?::\d+)?)\/(?<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::(?<tag>\w[\w.-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$/;

/** `oci://host[:port]/repository[:tag][@sha256:…]`; a digest wins over a tag, without either it is `latest`. @throws ArtifactError */
export function parseReference(uri: string): RegistryReference {
  const { host, repository, tag, digest } = pattern.exec(uri)?.groups ?? {};
  if (host === undefined || repository === undefined)
    throw new ArtifactError('SourceNotAllowed', `${uri} is not oci://host/repository:tag or oci://host/repository@sha256:…`);
  return { host, repository, version: digest ?? tag ?? 'latest' };
}

/** The same manifest for good. */
export function pinnedReference({ host, repository }: RegistryReference, digest: string): string {
  return `oci://${host}/${repository}@${digest}`;
}
