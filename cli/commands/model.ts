// Models and OCI registries: push one, and see what is in one.
import { stringify } from 'yaml';
import { readManifest } from '../../controller/artifacts/oci-origin.ts';
import { filepathAnnotation } from '../../controller/artifacts/registry/manifest.ts';
import { pushModel } from '../../controller/artifacts/registry/push.ts';
import { pinnedReference } from '../../controller/artifacts/registry/reference.ts';
import { counted } from '../../kube/meta/counted.ts';
import { usageError } from '../exit-codes.ts';
import { modelVersionOf, readModelFiles } from '../model/model-files.ts';
import { openRegistry, type RegistryFlags } from '../model/registry.ts';
import { parseOutputFormat, printJson } from '../output/format.ts';
import { formatTable } from '../output/table.ts';

/** The ModelVersion goes to standard output, so that it can be sent to a file; its source is the manifest's digest, which no push moves. */
export async function modelPush(
  target: string,
  uri: string,
  flags: RegistryFlags & { output: string },
  signal: AbortSignal,
): Promise<void> {
  const format = parseOutputFormat(flags.output);
  if (uri.includes('@')) throw usageError(`${uri} names a digest`, 'push to a tag: oci://host/repository:tag');
  const files = await readModelFiles(target);
  // Before anything is sent: a file that model.yaml names must be there.
  modelVersionOf(files, uri);
  await using registry = await openRegistry(uri, flags, signal);
  const { digest } = await pushModel(registry.client, registry.reference, files.description, files.files);
  const pinned = pinnedReference(registry.reference, digest);
  const modelVersion = modelVersionOf(files, pinned);
  if (format === 'json') {
    printJson({ digest, uri: pinned, modelVersion });
    return;
  }
  process.stderr.write(`pushed ${counted(files.files.length, 'file')} as ${pinned}\n`);
  process.stdout.write(stringify(modelVersion));
}

export async function modelInspect(uri: string, flags: RegistryFlags & { output: string }, signal: AbortSignal): Promise<void> {
  const format = parseOutputFormat(flags.output);
  await using registry = await openRegistry(uri, flags, signal);
  const { manifest, digest } = await readManifest(registry.client, registry.reference, { uri });
  const layers = manifest.layers.map((layer) => ({
    file: layer.annotations?.[filepathAnnotation] ?? '–',
    digest: layer.digest,
    size: layer.size,
    mediaType: layer.mediaType,
  }));
  if (format === 'json') {
    printJson({ uri: pinnedReference(registry.reference, digest), artifactType: manifest.artifactType, layers });
    return;
  }
  process.stdout.write(`${pinnedReference(registry.reference, digest)}\n`);
  const columns = [
    { title: 'FILE', value: (row: (typeof layers)[number]) => row.file },
    { title: 'BYTES', value: (row: (typeof layers)[number]) => String(row.size), align: 'right' as const },
    { title: 'DIGEST', value: (row: (typeof layers)[number]) => row.digest },
    { title: 'MEDIA TYPE', value: (row: (typeof layers)[number]) => row.mediaType },
  ];
  process.stdout.write(`${formatTable(columns, layers)}\n`);
}
