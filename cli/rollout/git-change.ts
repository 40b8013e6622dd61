// Whether a fleet owns a deployment, and what to change where it comes from.
import { readDirectory } from '../../controller/fleet/directory-source.ts';
import { identityOf, readManifests } from '../../controller/fleet/manifest.ts';
import type { FleetRepository } from '../../crds/fleet-repository.ts';
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import { fieldManagers } from '../../crds/names.ts';
import type { Stored } from '../../kube/api/objects.ts';

export interface GitChange {
  repository: string | null;
  source: string | null;
  /** Null when the source is not a directory of this machine. */
  file: string | null;
  line: number | null;
  field: 'spec.modelVersionName';
  from: string;
  to: string;
}

/** Undefined when no fleet owns it, and a change of the object stays. */
export async function gitChangeFor(
  deployment: Stored<ModelDeployment>,
  repositories: readonly Stored<FleetRepository>[],
  to: string,
): Promise<GitChange | undefined> {
  const { namespace = '', name, managedFields } = deployment.metadata;
  const id = `${namespace}_${name}_jouleops.dev_ModelDeployment`;
  const repository = repositories.find(({ status }) => status?.inventory?.some((entry) => entry.id === id));
  const managed = managedFields?.some(({ manager }) => manager === fieldManagers.fleet) ?? false;
  if (!repository && !managed) return undefined;
  const place = repository && (await placeOf(repository, id));
  return {
    repository: repository ? `${repository.metadata.namespace ?? 'default'}/${repository.metadata.name}` : null,
    source: repository ? sourceOf(repository) : null,
    file: place?.file ?? null,
    line: place?.line ?? null,
    field: 'spec.modelVersionName',
    from: deployment.spec.modelVersionName,
    to,
  };
}

function sourceOf({ spec }: FleetRepository): string | null {
  const ref = spec.ref?.branch ?? spec.ref?.tag ?? spec.ref?.commit;
  const base = spec.path ?? spec.url;
  if (base === undefined) return null;
  return `${base}${spec.directory === undefined ? '' : `, directory ${spec.directory}`}${ref === undefined ? '' : `, at ${ref}`}`;
}

/** A directory on another machine, or one that has changed meanwhile, gives no place. */
async function placeOf(repository: FleetRepository, id: string): Promise<{ file: string; line: number | null } | undefined> {
  const { path, kinds, targetNamespace } = repository.spec;
  if (path === undefined) return undefined;
  const content = await readDirectory(path).catch(() => undefined);
  if (!content) return undefined;
  const { objects } = readManifests(content.files, {
    namespace: repository.metadata.namespace ?? 'default',
    ...(kinds === undefined ? {} : { kinds }),
    ...(targetNamespace === undefined ? {} : { targetNamespace }),
  });
  const found = objects.find((entry) => identityOf(entry) === id);
  return found && { file: found.file, line: found.locate('spec.modelVersionName')?.line ?? null };
}

export function formatGitChange(change: GitChange): string {
  const at = change.file ? `${change.file}${change.line === null ? '' : `:${change.line}`}` : 'the manifest that declares it';
  const owner = change.repository === null ? 'a fleet' : `FleetRepository ${change.repository}`;
  return [
    `Nothing was changed: ${owner} owns this deployment and would set it back.`,
    `Change this in Git${change.source === null ? '' : ` (${change.source})`}:`,
    `  file:  ${at}`,
    `  field: ${change.field}`,
    `  from:  ${change.from}`,
    `  to:    ${change.to}`,
  ].join('\n');
}
