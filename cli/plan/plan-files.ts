// From files, commits or a cluster to the two fleets that a plan compares.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type FileError, type ManifestObject, readManifests } from '../../controller/fleet/manifest.ts';
import { readDirectory } from '../../controller/fleet/sources/directory-source.ts';
import type { SourceContent } from '../../controller/fleet/sources/source.ts';
import type { FleetRepository } from '../../crds/fleet-repository.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { counted } from '../../kube/meta/counted.ts';
import { usageError } from '../exit-codes.ts';
import { type Declared, declare } from './declare.ts';
import { readCommit } from './git-manifests.ts';
import type { ObjectsById, PlanKinds } from './plan-kinds.ts';

export interface FleetOrder {
  /** Directory of manifests. */
  files: string;
  /** A commit to compare with, of the repository that `files` lies in. */
  from?: string;
  /** Default: the files as they are. */
  to?: string;
  namespace: string;
  prune: boolean;
}

export interface TwoFleets {
  /** For the headline. */
  source: string;
  before: ObjectsById;
  after: ObjectsById;
  errors: FileError[];
}

interface Given {
  kinds: PlanKinds;
  /** Devices, classes and, of a cluster, everything. */
  base: ObjectsById;
  /** The base is a cluster, and the files would be applied to it. */
  live: boolean;
  repository?: Stored<FleetRepository>;
  now: string;
}

export async function readTwoFleets(order: FleetOrder, given: Given, signal: AbortSignal): Promise<TwoFleets> {
  if (!existsSync(order.files))
    throw usageError(`--files ${order.files}: there is no such directory`, 'name a directory of YAML manifests');
  if (order.to !== undefined && order.from === undefined)
    throw usageError('--to needs --from', 'name the commit to compare with: --from main');
  const nothing: ReadonlySet<string> = new Set();
  const common = { prune: order.prune, creationTimestamp: given.now };
  const known: Known = new Map();
  const after = read(
    order.to === undefined ? await readDirectory(resolve(order.files)) : await readCommit(order.files, order.to, signal),
    order,
    given,
    known,
  );
  if (given.live) {
    const inventory = new Set((given.repository?.status?.inventory ?? []).map(({ id }) => id));
    const emptied = refusesEmpty(given.repository, after) ? [emptiedError(order.files, inventory.size)] : [];
    const declared = declare(given.kinds, {
      ...after,
      errors: [...after.errors, ...emptied],
      ...common,
      underneath: given.base,
      previous: given.base,
      declaredBefore: given.repository?.spec.prune === true ? inventory : nothing,
    });
    return { source: `${order.files} on the cluster`, before: given.base, after: declared.objects, errors: declared.errors };
  }
  const before: Declared =
    order.from === undefined
      ? { objects: new Map(given.base), errors: [], declared: new Set(), applied: new Map() }
      : declare(given.kinds, {
          ...read(await readCommit(order.files, order.from, signal), order, given, known),
          ...common,
          // Older than what the change brings, and not yet late with anything.
          creationTimestamp: new Date(Date.parse(given.now) - 60_000).toISOString(),
          underneath: given.base,
          previous: given.base,
          declaredBefore: nothing,
        });
  const declared = declare(given.kinds, {
    ...after,
    ...common,
    underneath: given.base,
    previous: before.objects,
    declaredBefore: before.declared,
    unchanged: before.applied,
  });
  const source = order.from === undefined ? order.files : `${order.files}, ${order.from} → ${order.to ?? 'working tree'}`;
  return { source, before: before.objects, after: declared.objects, errors: declared.errors };
}

/** As the controller does it (controller/fleet/sync.ts): an emptied directory is taken for a mistake. */
function refusesEmpty(repository: Stored<FleetRepository> | undefined, after: ReturnType<typeof read>): boolean {
  if (repository?.spec.prune !== true || repository.spec.allowEmpty === true) return false;
  return after.manifests.length + after.errors.length === 0 && (repository.status?.inventory ?? []).length > 0;
}

function emptiedError(files: string, objects: number): FileError {
  return {
    file: files,
    message: `declares nothing, and ${counted(objects, 'object')} would go: set spec.allowEmpty of the FleetRepository if that is meant`,
  };
}

type Known = NonNullable<Parameters<typeof readManifests>[2]>;

function read(
  content: SourceContent,
  order: FleetOrder,
  { repository }: Given,
  known: Known,
): { manifests: readonly ManifestObject[]; errors: FileError[] } {
  const { kinds, targetNamespace } = repository?.spec ?? {};
  const { objects, errors } = readManifests(
    content.files,
    {
      namespace: repository?.metadata.namespace ?? order.namespace,
      ...(kinds === undefined ? {} : { kinds }),
      ...(targetNamespace === undefined ? {} : { targetNamespace }),
    },
    known,
  );
  return { manifests: objects, errors: [...content.errors, ...errors] };
}
