// Everything one pass over a ModelDeployment decides on, read once.
import type { EdgeDevice } from '../../crds/edge-device.ts';
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import type { ModelInstance } from '../../crds/model-instance.ts';
import type { ModelVersion } from '../../crds/model-version.ts';
import type { ControllerRevision } from '../../kube/api/builtins.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { keyOf } from '../../kube/api/resource.ts';
import { deviceIndexes, instanceIndexes, revisionIndexes } from '../caches.ts';
import type { VariantEstimator } from '../estimate/estimator.ts';
import type { PlacementResults } from '../placement/loop.ts';
import { selects } from '../placement/scheduling/selectors.ts';
import type { PlacementDecision } from '../placement/scheduling/types.ts';
import type { SnapshotSources } from '../placement/snapshot.ts';

export interface DeploymentWorld {
  deployment: Stored<ModelDeployment>;
  nowMilliseconds: number;
  /** Whatever its conditions say. */
  version?: Stored<ModelVersion>;
  /** Its instances, sorted by device. */
  instances: readonly Stored<ModelInstance>[];
  /** By name: those that hold an instance. */
  devices: ReadonlyMap<string, Stored<EdgeDevice>>;
  /** One device per class that placement may use, to predict for; made up for a named class that has no device yet. */
  representatives: ReadonlyMap<string, EdgeDevice>;
  /** Its own, oldest first. */
  revisions: readonly Stored<ControllerRevision>[];
  placement?: PlacementDecision;
  estimator: VariantEstimator;
}

export type WorldSources = Omit<SnapshotSources, 'liveness'> & { results: Pick<PlacementResults, 'of'> };

const maximumClasses = 16;

export function gatherWorld(
  sources: WorldSources,
  deployment: Stored<ModelDeployment>,
  nowMilliseconds: number,
): DeploymentWorld {
  const { uid, namespace } = deployment.metadata;
  const instances = sources.instances
    .byIndex(instanceIndexes.deployment, uid)
    .filter((instance) => instance.metadata.deletionTimestamp === undefined)
    .sort((a, b) => (a.spec.deviceName < b.spec.deviceName ? -1 : 1));
  const version = sources.versions.get(`${namespace}/${deployment.spec.modelVersionName}`);
  const placement = sources.results.of(uid);
  return {
    deployment,
    nowMilliseconds,
    instances,
    devices: new Map(instances.flatMap(({ spec }) => entry(sources.devices.get(spec.deviceName)))),
    representatives: representativesOf(sources, deployment),
    revisions: sources.revisions
      .byIndex(revisionIndexes.owner, uid)
      .sort((a, b) => a.revision - b.revision || (keyOf(a) < keyOf(b) ? -1 : 1)),
    estimator: sources.estimator,
    ...(version === undefined ? {} : { version }),
    ...(placement === undefined ? {} : { placement }),
  };
}

function entry(device: Stored<EdgeDevice> | undefined): [string, Stored<EdgeDevice>][] {
  return device ? [[device.metadata.name, device]] : [];
}

/** The first by name of each class, so that it stays the same while it is there. */
function representativesOf(sources: WorldSources, deployment: ModelDeployment): Map<string, EdgeDevice> {
  const { deviceClassNames = [], deviceSelector } = deployment.spec.placement;
  const { className } = deviceIndexes;
  const named = new Set(deviceClassNames);
  const found = (named.size > 0 ? [...named] : sources.devices.indexValues(className)).flatMap((name): [string, EdgeDevice][] => {
    const device = sources.devices.findByIndex(className, name, ({ metadata }) => selects(deviceSelector, metadata.labels ?? {}));
    if (device) return [[name, device]];
    return named.has(name) && sources.classes.get(name) ? [[name, madeUp(name)]] : [];
  });
  return new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, maximumClasses));
}

function madeUp(deviceClassName: string): EdgeDevice {
  return {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'EdgeDevice',
    metadata: { name: '' },
    spec: {},
    status: { deviceClassName },
  };
}
