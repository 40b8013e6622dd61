// What Flux's source-controller is for kustomize-controller: a GitRepository whose status names an archive, and the archive over HTTP.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { CustomResourceDefinition } from '../../../crds/manifests.ts';
import type { Client } from '../../../kube/api/client.ts';
import type { KubeObject } from '../../../kube/api/objects.ts';
import { defineResource } from '../../../kube/api/resource.ts';

const run = promisify(execFile);

interface GitRepository extends KubeObject {
  spec: { url: string; interval: string };
  status?: object;
}

export const gitRepositories = defineResource<GitRepository>({
  group: 'source.toolkit.fluxcd.io',
  version: 'v1',
  kind: 'GitRepository',
  plural: 'gitrepositories',
  namespaced: true,
});

/** The kinds of sources that kustomize-controller watches, with as much of them as it reads. */
export function sourceDefinitions(): CustomResourceDefinition[] {
  return (
    [
      ['GitRepository', 'gitrepositories'],
      ['OCIRepository', 'ocirepositories'],
      ['Bucket', 'buckets'],
    ] as const
  ).map(([kind, plural]) => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.source.toolkit.fluxcd.io` },
    spec: {
      group: 'source.toolkit.fluxcd.io',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      scope: 'Namespaced',
      versions: [
        { name: 'v1', served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: anything } },
      ],
    },
  }));
}

const anyField = { type: 'object' as const, 'x-kubernetes-preserve-unknown-fields': true };
const anything = { type: 'object' as const, properties: { spec: anyField, status: anyField } };

export interface ArtifactSource {
  /** Makes the files the content of a GitRepository. @returns its revision */
  publish(key: { namespace: string; name: string }, files: Record<string, string>): Promise<string>;
  close(): Promise<void>;
}

export async function startArtifactSource(client: Client, signal: AbortSignal): Promise<ArtifactSource> {
  const archives = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    const archive = archives.get(request.url ?? '');
    response.writeHead(archive ? 200 : 404).end(archive);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    async publish(key, files) {
      const archive = await pack(files);
      const digest = createHash('sha256').update(archive).digest('hex');
      const revision = `main@sha1:${createHash('sha1').update(archive).digest('hex')}`;
      const at = `/${key.namespace}/${key.name}/${digest}.tar.gz`;
      archives.set(at, archive);
      const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
      const write = { signal, fieldManager: 'test' };
      const spec = { url: 'https://git.example.org/fleet.git', interval: '1m' };
      const { metadata } = await client.apply(gitRepositories, { metadata: key, spec }, write);
      const observedGeneration = metadata.generation ?? 1;
      const ready = {
        type: 'Ready',
        status: 'True',
        reason: 'Succeeded',
        message: `stored ${revision}`,
        lastTransitionTime: now,
      };
      const artifact = {
        path: at.slice(1),
        url: `http://127.0.0.1:${port}${at}`,
        revision,
        digest: `sha256:${digest}`,
        lastUpdateTime: now,
        size: archive.length,
      };
      const status = { observedGeneration, artifact, conditions: [{ ...ready, observedGeneration }] };
      await client.applyStatus(gitRepositories, { metadata: key, status }, write);
      return revision;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function pack(files: Record<string, string>): Promise<Buffer> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'jouleops-artifact-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      const at = path.join(folder, 'content', name);
      await mkdir(path.dirname(at), { recursive: true });
      await writeFile(at, text);
    }
    await run('tar', ['-czf', path.join(folder, 'archive.tar.gz'), '-C', path.join(folder, 'content'), '.']);
    return await readFile(path.join(folder, 'archive.tar.gz'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
