// ModelPack manifests (https://github.com/modelpack/model-spec): a model as an OCI artifact, one layer per file.
import { ArtifactError } from '../artifact-error.ts';

export const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  model: 'application/vnd.cncf.model.manifest.v1+json',
  config: 'application/vnd.cncf.model.config.v1+json',
  weight: 'application/vnd.cncf.model.weight.v1.raw',
  weightConfig: 'application/vnd.cncf.model.weight.config.v1.raw',
  dataset: 'application/vnd.cncf.model.dataset.v1.raw',
  doc: 'application/vnd.cncf.model.doc.v1.raw',
} as const;

export const filepathAnnotation = 'org.cncf.model.filepath';

export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}

export interface Manifest {
  schemaVersion: 2;
  mediaType: string;
  artifactType?: string;
  config: Descriptor;
  layers: Descriptor[];
}

/** @throws ArtifactError when it is no manifest of one artifact. */
export function parseManifest(text: string, uri: string): Manifest {
  let value: { manifests?: unknown; layers?: ({ digest?: unknown } | null)[] };
  try {
    value = JSON.parse(text) as typeof value;
  } catch (error) {
    throw new ArtifactError('SourceUnavailable', `${uri}: the registry's manifest is not JSON: push it again`, { cause: error });
  }
  if (Array.isArray(value.manifests))
    throw new ArtifactError('SourceUnavailable', `${uri} is an index of several manifests: name one of them by its digest`);
  const whole = Array.isArray(value.layers) && value.layers.every((layer) => typeof layer?.digest === 'string');
  if (!whole) throw new ArtifactError('SourceUnavailable', `${uri}: the registry's manifest has no layers: push it again`);
  return value as Manifest & typeof value;
}

/** The layer that is the wanted file. Only raw layers have the digest of their file. @throws ArtifactError that lists what is there. */
export function layerOf(manifest: Manifest, digest: string, uri: string): Descriptor {
  const found = manifest.layers.find((layer) => layer.digest === digest);
  if (found) return found;
  const there = manifest.layers.slice(0, 8).map((layer) => {
    return `${layer.annotations?.[filepathAnnotation] ?? layer.mediaType} ${layer.digest}`;
  });
  const archived = manifest.layers.some((layer) => /\.tar(\+\w+)?$/.test(layer.mediaType));
  const next = archived
    ? 'archived layers are not opened: push the files raw, as "jouleops model push" does'
    : 'correct the digest or the source';
  throw new ArtifactError('DigestMismatch', `${uri} has no file of digest ${digest}, it has ${there.join(', ')}: ${next}`);
}
