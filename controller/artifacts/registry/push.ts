// Brings files into a registry as one ModelPack artifact. What the registry has already is not sent again.
import type { Dispatcher } from 'undici';
import { digestOf } from '../../../crds/digest.ts';
import { ArtifactError } from '../artifact-error.ts';
import { type Descriptor, filepathAnnotation, type Manifest, mediaTypes } from './manifest.ts';
import type { RegistryReference } from './reference.ts';
import { type RegistryClient, textOf } from './registry-client.ts';

export interface PushedFile {
  /** Path inside the artifact. */
  path: string;
  mediaType: string;
  bytes: Uint8Array;
}

export interface ModelDescription {
  name: string;
  family: string;
  version: string;
  precision?: string;
}

export async function pushModel(
  client: RegistryClient,
  reference: RegistryReference,
  description: ModelDescription,
  files: readonly PushedFile[],
): Promise<{ digest: string; layers: Descriptor[] }> {
  const layers: Descriptor[] = [];
  for (const file of files) {
    const descriptor = await pushBlob(client, reference, file.mediaType, file.bytes);
    layers.push({ ...descriptor, annotations: { [filepathAnnotation]: file.path } });
  }
  const { precision, ...descriptor } = description;
  const config = {
    descriptor,
    modelfs: { type: 'layers', diffIds: layers.map((layer) => layer.digest) },
    config: { format: 'onnx', ...(precision === undefined ? {} : { precision }) },
  };
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: mediaTypes.model,
    config: await pushBlob(client, reference, mediaTypes.config, Buffer.from(JSON.stringify(config))),
    layers,
  };
  const body = Buffer.from(JSON.stringify(manifest));
  const response = await client.send('PUT', `/v2/${reference.repository}/manifests/${reference.version}`, {
    headers: { 'content-type': mediaTypes.manifest },
    body,
    scope: pushScope(reference),
  });
  await expectStatus(response, 201, 'the manifest');
  return { digest: digestOf(body), layers };
}

async function pushBlob(
  client: RegistryClient,
  reference: RegistryReference,
  mediaType: string,
  bytes: Uint8Array,
): Promise<Descriptor> {
  const digest = digestOf(bytes);
  const scope = pushScope(reference);
  const descriptor = { mediaType, digest, size: bytes.byteLength };
  const there = await client.send('HEAD', `/v2/${reference.repository}/blobs/${digest}`, { scope });
  await there.body.dump();
  if (there.statusCode === 200) return descriptor;
  const begun = await client.send('POST', `/v2/${reference.repository}/blobs/uploads/`, { scope });
  await expectStatus(begun, 202, 'an upload');
  const at = new URL(String(begun.headers['location']), `https://${reference.host}`);
  at.searchParams.set('digest', digest);
  const done = await client.send('PUT', at.href, { headers: { 'content-type': 'application/octet-stream' }, body: bytes, scope });
  await expectStatus(done, 201, digest);
  return descriptor;
}

async function expectStatus(response: Dispatcher.ResponseData, wanted: number, what: string): Promise<void> {
  const text = await textOf(response);
  if (response.statusCode === wanted) return;
  throw new ArtifactError('SourceUnavailable', `the registry answered ${response.statusCode} to ${what}: ${text.slice(0, 300)}`);
}

const pushScope = ({ repository }: RegistryReference) => `repository:${repository}:pull,push`;
