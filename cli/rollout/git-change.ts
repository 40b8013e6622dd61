// Whether Git owns a deployment, and what to change where it comes from.
import { join } from 'node:path';
import { kindOfEntry } from '../../controller/fleet/kinds.ts';
import { identityOf, readManifests } from '../../controller/fleet/manifest.ts';
import { readDirectory } from '../../controller/fleet/sources/directory-source.ts';
import type { FleetRepository } from '../../crds/fleet-repository.ts';
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import { annotations, fieldManagers } from '../../crds/names.ts';
import { modelDeployments } from '../../crds/resources.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { formatValue, type SpecChange } from './spec-changes.ts';

export interface GitChange {
  /** Who applies it, such as `FleetRepository default/fleet`. */
  owner: string;
  source: string | null;
  /** Null when the source is not a directory of this machine. */
  file: string | null;
  changes: (SpecChange & { line: number | null })[];
}

/** Undefined when nothing applies it again and again, so that a change of the object stays. */
export async function gitChangeFor(
  deployment: Stored<ModelDeployment>,
  repositories: readonly Stored<FleetRepository>[],
  changes: readonly SpecChange[],
): Promise<GitChange | undefined> {
  const { group, kind } = modelDeployments;
  const known = kindOfEntry(group, kind);
  const id = known && identityOf({ kind: known, object: deployment });
  const repository =
    id === undefined || isOptedOut(deployment) ? undefined : repositories.find(({ status }) => holds(status, id));
  const owner = repository
    ? `FleetRepository ${repository.metadata.namespace ?? 'default'}/${repository.metadata.name}`
    : otherOwner(deployment);
  if (owner === undefined) return undefined;
  const place = repository && id !== undefined ? await placeOf(repository, id) : undefined;
  return {
    owner,
    source: repository ? sourceOf(repository) : null,
    file: place?.file ?? null,
    changes: changes.map((change) => ({ ...change, line: place?.lineOf(change.field) ?? null })),
  };
}

function holds(status: FleetRepository['status'], id: string): boolean {
  return status?.inventory?.some((entry) => entry.id === id) ?? false;
}

/** A fleet applies it once or never, and sets nothing back. */
function isOptedOut({ metadata }: Stored<ModelDeployment>): boolean {
  return metadata.annotations?.[annotations.ssa] !== undefined;
}

/** Flux and Argo CD leave their marks on what they apply; a fleet that is gone leaves its field manager. */
function otherOwner(deployment: Stored<ModelDeployment>): string | undefined {
  const { metadata } = deployment;
  const { labels = {}, annotations: marks = {}, managedFields = [] } = metadata;
  const flux = labels['kustomize.toolkit.fluxcd.io/name'];
  if (flux !== undefined) return `Flux Kustomization ${labels['kustomize.toolkit.fluxcd.io/namespace'] ?? 'flux-system'}/${flux}`;
  const argo = marks['argocd.argoproj.io/tracking-id'];
  if (argo !== undefined) return `Argo CD application ${argo.split(':')[0]}`;
  if (isOptedOut(deployment)) return undefined;
  return managedFields.some(({ manager }) => manager === fieldManagers.fleet) ? 'a FleetRepository' : undefined;
}

function sourceOf({ spec }: FleetRepository): string | null {
  const ref = spec.ref?.branch ?? spec.ref?.tag ?? spec.ref?.commit;
  const base = spec.path ?? spec.url;
  if (base === undefined) return null;
  return `${base}${spec.directory === undefined ? '' : `, directory ${spec.directory}`}${ref === undefined ? '' : `, at ${ref}`}`;
}

/** A directory on another machine, or one that has changed meanwhile, gives no place. */
async function placeOf(
  repository: FleetRepository,
  id: string,
): Promise<{ file: string; lineOf: (field: string) => number | undefined } | undefined> {
  const { path, directory = '', kinds, targetNamespace } = repository.spec;
  if (path === undefined) return undefined;
  const content = await readDirectory(join(path, directory)).catch(() => undefined);
  if (!content) return undefined;
  const { objects } = readManifests(content.files, {
    namespace: repository.metadata.namespace ?? 'default',
    ...(kinds === undefined ? {} : { kinds }),
    ...(targetNamespace === undefined ? {} : { targetNamespace }),
  });
  const found = objects.find((entry) => identityOf(entry) === id);
  return found && { file: join(directory, found.file), lineOf: (field) => found.locate(field)?.line };
}

export function formatGitChange({ owner, source, file, changes }: GitChange): string {
  const at = (line: number | null) => (file ? `${file}${line === null ? '' : `:${line}`}` : 'the manifest that declares it');
  return [
    `Nothing was changed: ${owner} applies this deployment and would set it back.`,
    `Change this in Git${source === null ? '' : ` (${source})`}:`,
    ...changes.map(({ field, from, to, line }) => `  ${at(line)}: ${field}: ${formatValue(from)} → ${formatValue(to)}`),
  ].join('\n');
}
