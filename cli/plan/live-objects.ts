// The fleet as a cluster holds it.
import type { FleetRepository } from '../../crds/fleet-repository.ts';
import type { ModelInstance } from '../../crds/model-instance.ts';
import { labels } from '../../crds/names.ts';
import {
  deviceClasses,
  edgeDevices,
  fleetRepositories,
  modelDeployments,
  modelInstances,
  modelVersions,
} from '../../crds/resources.ts';
import { isNotFound } from '../../kube/api/api-error.ts';
import { type ControllerRevision, controllerRevisions } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';
import type { KubeObject, Stored } from '../../kube/api/objects.ts';
import { apiVersionOf, parseKey, type Resource } from '../../kube/api/resource.ts';
import { listAll } from '../../kube/cache/list-pager.ts';
import { usageError } from '../exit-codes.ts';
import { idOf, type ObjectsById, toJson } from './plan-kinds.ts';

export interface LiveFleet {
  objects: ObjectsById;
  instances: Stored<ModelInstance>[];
  revisions: Stored<ControllerRevision>[];
}

export async function readLiveFleet(client: Client, signal: AbortSignal): Promise<LiveFleet> {
  const kinds: readonly Resource[] = [modelDeployments, modelVersions, edgeDevices, deviceClasses];
  const [lists, instances, revisions] = await Promise.all([
    Promise.all(kinds.map((kind) => listObjects(client, kind, signal))),
    listAll(client, modelInstances, { signal }),
    listAll(client, controllerRevisions, { signal, labelSelector: labels.revisionOf }),
  ]);
  return {
    objects: new Map(lists.flat().map((object) => [idOf(object), toJson(object)])),
    instances: instances.items,
    revisions: revisions.items,
  };
}

/** Items of a list do not repeat their kind everywhere. */
async function listObjects(client: Client, resource: Resource, signal: AbortSignal): Promise<KubeObject[]> {
  const { items } = await listAll(client, resource, { signal });
  return items.map((item) => ({ ...item, apiVersion: apiVersionOf(resource), kind: resource.kind }));
}

/** @throws CommandError when it is not there */
export async function readRepository(client: Client, name: string, signal: AbortSignal): Promise<Stored<FleetRepository>> {
  const key = { namespace: 'default', ...parseKey(name) };
  try {
    return await client.get(fleetRepositories, key, { signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw usageError(
      `--repository ${name}: there is no such FleetRepository`,
      '"kubectl get fleetrepositories -A" lists them; write NAMESPACE/NAME',
      error,
    );
  }
}
