// oci://host/repository:tag: one file of a ModelPack artifact in a registry, under the same rules as https://.
import { digestOf } from '../../crds/digest.ts';
import { ArtifactError } from './artifact-error.ts';
import { bodyOf, type HttpsOrigin } from './https-origin.ts';
import { layerOf, mediaTypes, parseManifest } from './registry/manifest.ts';
import { parseReference, pinnedReference, type RegistryReference } from './registry/reference.ts';
import { RegistryClient, textOf } from './registry/registry-client.ts';
import { type ArtifactOrigin, type SourceRequest, tooLarge } from './source.ts';

/** The file is the layer with the digest that the object declares; a tag is resolved each time and reported by digest. */
export function createOciOrigin(https: HttpsOrigin): ArtifactOrigin {
  return {
    scheme: 'oci',
    async open(source) {
      const reference = parseReference(source.uri);
      const client = new RegistryClient(reference.host, (order) => https.follow(source, order), source.authorization);
      const { manifest, digest } = await readManifest(client, reference, source);
      const layer = layerOf(manifest, source.digest ?? '', source.uri);
      if (layer.size > source.maximumBytes) throw tooLarge(source, layer.size);
      const scope = pullScope(reference);
      const blob = await client.send('GET', `/v2/${reference.repository}/blobs/${layer.digest}`, { scope });
      source.onResolved?.(pinnedReference(reference, digest));
      return bodyOf(blob, source);
    },
  };
}

/** @throws ArtifactError, also when a manifest that was named by digest is another one. */
export async function readManifest(client: RegistryClient, reference: RegistryReference, source: Pick<SourceRequest, 'uri'>) {
  const response = await client.send('GET', `/v2/${reference.repository}/manifests/${reference.version}`, {
    headers: { accept: mediaTypes.manifest },
    scope: pullScope(reference),
  });
  const text = await textOf(response);
  if (response.statusCode !== 200)
    throw new ArtifactError(
      'SourceUnavailable',
      `${source.uri}: the registry answered ${response.statusCode}${response.statusCode === 404 ? ', it has no such repository or tag: push it, or correct the source' : ''}`,
    );
  const digest = digestOf(text);
  if (reference.version.startsWith('sha256:') && reference.version !== digest)
    throw new ArtifactError('DigestMismatch', `${source.uri}: the registry sent the manifest ${digest}`);
  return { manifest: parseManifest(text, source.uri), digest };
}

const pullScope = ({ repository }: RegistryReference) => `repository:${repository}:pull`;
