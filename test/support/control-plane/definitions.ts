// Installs our definitions and waits until the server answers for every one of them.
import { type CustomResourceDefinition, loadCustomResourceDefinitions } from '../../../crds/manifests.ts';
import type { Client } from '../../../kube/api/client.ts';
import { defineResource } from '../../../kube/api/resource.ts';
import { eventually } from '../eventually.ts';

const definitionsResource = defineResource<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
});

export async function installDefinitions(client: Client, signal: AbortSignal): Promise<void> {
  const definitions = await loadCustomResourceDefinitions();
  await Promise.all(
    definitions.map((definition) => client.apply(definitionsResource, definition, { fieldManager: 'jouleops-test', signal })),
  );
  await Promise.all(definitions.map((definition) => eventually(() => mustBeServed(client, definition, signal), 30)));
}

async function mustBeServed(client: Client, { metadata, spec }: CustomResourceDefinition, signal: AbortSignal): Promise<void> {
  const { status } = await client.get(definitionsResource, { name: metadata.name }, { signal });
  const established = status?.conditions?.find(({ type }) => type === 'Established');
  if (established?.status !== 'True')
    throw new Error(`${metadata.name} is not established: ${JSON.stringify(status?.conditions)}`);
  const { kind, plural } = spec.names;
  const resource = defineResource({
    group: spec.group,
    version: spec.versions[0]?.name ?? '',
    kind,
    plural,
    namespaced: spec.scope === 'Namespaced',
  });
  await client.list(resource, { limit: 1, signal });
}
