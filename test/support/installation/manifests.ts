// The manifests as kustomize would read them, so that a test can install them without kubectl.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import type { Client } from '../../../kube/api/client.ts';
import type { KubeObject } from '../../../kube/api/objects.ts';
import { defineResource, type Resource } from '../../../kube/api/resource.ts';
import { eventually } from '../eventually.ts';

export const manifestsFolder = path.join(import.meta.dirname, '../../../manifests');

export interface Manifest {
  /** Path of its file. */
  file: string;
  object: KubeObject;
}

/** Every object of a folder with a kustomization, in the order in which it is listed. */
export async function readKustomization(folder: string): Promise<Manifest[]> {
  const text = await readAny(folder, ['kustomization.yaml', 'kustomization.yml']);
  const { resources } = parse(text) as { resources: string[] };
  const parts = await Promise.all(
    resources.map((resource) => {
      const at = path.join(folder, resource);
      return resource.endsWith('.yaml') ? readManifests(at) : readKustomization(at);
    }),
  );
  return parts.flat();
}

export async function readManifests(file: string): Promise<Manifest[]> {
  const documents = parseAllDocuments(await readFile(file, 'utf8'));
  return documents.map((document) => ({ file, object: document.toJS() as KubeObject }));
}

/** Namespaces first, then the rest; strict: an unknown or duplicate field is refused. Waits for kinds that are just being defined. */
export async function applyManifests(client: Client, manifests: readonly Manifest[], signal: AbortSignal): Promise<void> {
  const isFirst = ({ object }: Manifest) => object.kind === 'Namespace';
  for (const { object } of [...manifests.filter(isFirst), ...manifests.filter((one) => !isFirst(one))]) {
    const options = { fieldManager: 'jouleops-install', fieldValidation: 'Strict' as const, signal };
    await eventually(() => client.apply(resourceOf(object), object, options), 20);
  }
}

export function resourceOf({ apiVersion, kind, metadata }: KubeObject): Resource {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  const singular = kind.toLowerCase();
  const plural = singular.endsWith('y') ? `${singular.slice(0, -1)}ies` : `${singular}${singular.endsWith('s') ? 'es' : 's'}`;
  return defineResource({ group, version, kind, plural, namespaced: metadata.namespace !== undefined });
}

async function readAny(folder: string, names: readonly string[]): Promise<string> {
  for (const name of names) {
    const text = await readFile(path.join(folder, name), 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
  }
  throw new Error(`${folder} has none of ${names.join(', ')}`);
}
