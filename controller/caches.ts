// The controller's view of the cluster: one reflector per kind, indexed the ways the reconcilers ask.
import type { Logger } from 'pino';
import type { DeviceClass } from '../crds/device-class.ts';
import type { EdgeDevice } from '../crds/edge-device.ts';
import type { FleetRepository } from '../crds/fleet-repository.ts';
import type { ModelDeployment } from '../crds/model-deployment.ts';
import type { ModelInstance } from '../crds/model-instance.ts';
import type { ModelVersion } from '../crds/model-version.ts';
import { devicesNamespace, labels } from '../crds/names.ts';
import {
  deviceClasses,
  edgeDevices,
  fleetRepositories,
  modelDeployments,
  modelInstances,
  modelVersions,
} from '../crds/resources.ts';
import { type ControllerRevision, controllerRevisions, type Lease, leases } from '../kube/api/builtins.ts';
import type { Client } from '../kube/api/client.ts';
import { Reflector } from '../kube/cache/reflector.ts';
import type { Indexers } from '../kube/cache/store.ts';
import { controllerOf } from '../kube/meta/owner-reference.ts';
import type { Clock } from '../kube/runtime/clock.ts';
import type { Metrics } from '../kube/runtime/metrics.ts';

export const instanceIndexes = { device: 'device', deployment: 'deployment' } as const;
export const deploymentIndexes = { modelVersion: 'modelVersion', uid: 'uid' } as const;
export const deviceIndexes = { className: 'className' } as const;
export const revisionIndexes = { owner: 'owner' } as const;

/** The ways the reconcilers ask; a plan asks its own stores the same ways. */
export const cacheIndexers = {
  deployments: {
    [deploymentIndexes.modelVersion]: ({ metadata, spec }) => [`${metadata.namespace}/${spec.modelVersionName}`],
    [deploymentIndexes.uid]: ({ metadata }) => [metadata.uid],
  } satisfies Indexers<ModelDeployment>,
  instances: {
    [instanceIndexes.device]: ({ spec }) => [spec.deviceName],
    [instanceIndexes.deployment]: ({ spec }) => [spec.deploymentUid],
  } satisfies Indexers<ModelInstance>,
  devices: {
    [deviceIndexes.className]: ({ status }) => (status?.deviceClassName === undefined ? [] : [status.deviceClassName]),
  } satisfies Indexers<EdgeDevice>,
  revisions: {
    [revisionIndexes.owner]: (revision) => [controllerOf(revision)?.uid ?? ''],
  } satisfies Indexers<ControllerRevision>,
};

export interface Caches {
  deployments: Reflector<ModelDeployment>;
  instances: Reflector<ModelInstance>;
  versions: Reflector<ModelVersion>;
  devices: Reflector<EdgeDevice>;
  classes: Reflector<DeviceClass>;
  repositories: Reflector<FleetRepository>;
  leases: Reflector<Lease>;
  revisions: Reflector<ControllerRevision>;
}

export function createCaches(deps: { client: Client; clock: Clock; logger: Logger; metrics?: Metrics }): Caches {
  return {
    deployments: new Reflector(deps, modelDeployments, { indexers: cacheIndexers.deployments }),
    instances: new Reflector(deps, modelInstances, { indexers: cacheIndexers.instances }),
    versions: new Reflector(deps, modelVersions),
    devices: new Reflector(deps, edgeDevices, { indexers: cacheIndexers.devices }),
    classes: new Reflector(deps, deviceClasses),
    repositories: new Reflector(deps, fleetRepositories),
    leases: new Reflector(deps, leases, { namespace: devicesNamespace }),
    revisions: new Reflector(deps, controllerRevisions, {
      labelSelector: labels.revisionOf,
      indexers: cacheIndexers.revisions,
    }),
  };
}
