// Takes the picture that placement decides on, out of the caches.
import type { DeviceClass } from '../../crds/device-class.ts';
import type { EdgeDevice } from '../../crds/edge-device.ts';
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import type { ModelInstance, Slot } from '../../crds/model-instance.ts';
import type { ModelVersion } from '../../crds/model-version.ts';
import type { Boundary } from '../../crds/shared.ts';
import { predictPower } from '../../energy/prediction/verdict.ts';
import { parsePower, parseRate } from '../../energy/units.ts';
import type { ControllerRevision } from '../../kube/api/builtins.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { keyOf } from '../../kube/api/resource.ts';
import type { Store } from '../../kube/cache/store.ts';
import { findCondition, isTrue } from '../../kube/meta/conditions.ts';
import { countQuantity } from '../../kube/meta/quantity.ts';
import type { LivenessTracker } from '../edge-device/liveness.ts';
import { chooseVariant, predictedJoules } from '../estimate/choose-variant.ts';
import type { Estimator, VariantEstimate } from '../estimate/estimator.ts';
import { criteriaHashOf, targetRevisionOf } from '../model-deployment/revision.ts';
import { readRejections } from '../model-deployment/revision-memory.ts';
import type { DeploymentView, DeviceView, ExistingPlacement, Option, Snapshot } from './scheduling/types.ts';

export interface SnapshotSources {
  deployments: Store<ModelDeployment>;
  instances: Store<ModelInstance>;
  versions: Store<ModelVersion>;
  devices: Store<EdgeDevice>;
  classes: Store<DeviceClass>;
  revisions: Store<ControllerRevision>;
  estimator: Pick<Estimator, 'estimate' | 'predict' | 'idleWatts'>;
  liveness: Pick<LivenessTracker, 'judge'>;
}

/** Whole-board boundaries first: a cap is about what the board draws. */
const capBoundaries: readonly Boundary[] = ['Board', 'Module', 'Package'];

export function takeSnapshot(sources: SnapshotSources): Snapshot {
  const deployments = sources.deployments.list().filter((deployment) => deployment.metadata.deletionTimestamp === undefined);
  const devices = sources.devices.list().filter((device) => device.metadata.deletionTimestamp === undefined);
  const byUid = new Map(deployments.map((deployment) => [deployment.metadata.uid, deployment]));
  const byName = new Map(devices.map((device) => [device.metadata.name, device]));
  const judges = new Map<string, Judge>();
  return {
    devices: devices.map((device) => viewDevice(sources, device)).sort((a, b) => (a.name < b.name ? -1 : 1)),
    deployments: deployments.map((deployment) => viewDeployment(sources, deployment)),
    existing: existingPlacements(sources.instances.list()),
    option(view, { name, kind }) {
      const deployment = byUid.get(view.uid);
      const device = byName.get(name);
      if (!deployment || !device) return { kind: 'refused', verdict: 'NotReady', message: 'it is gone' };
      const judge = judges.get(view.uid) ?? optionsOf(sources, deployment);
      judges.set(view.uid, judge);
      const known = judge.options.get(kind) ?? judge.judge(device);
      judge.options.set(kind, known);
      return known;
    },
  };
}

/** All of a device that an option depends on: devices of one kind share it, and a fleet has few kinds. */
function kindOf({ spec, status }: EdgeDevice): string {
  return JSON.stringify([status?.deviceClassName, status?.classKey, status?.idlePower, spec.powerCap]);
}

/** The model version that a deployment may place, or undefined while there is none. */
export function usableVersion(versions: Store<ModelVersion>, deployment: ModelDeployment): Stored<ModelVersion> | undefined {
  const version = versions.get(`${deployment.metadata.namespace}/${deployment.spec.modelVersionName}`);
  return version && isTrue(version.status?.conditions, 'Ready') && version.metadata.deletionTimestamp === undefined
    ? version
    : undefined;
}

function viewDevice(sources: SnapshotSources, device: Stored<EdgeDevice>): DeviceView {
  const { status, spec, metadata } = device;
  const ready = findCondition(status?.conditions, 'Ready');
  const liveness = sources.liveness.judge(metadata.name);
  const idleWatts = spec.powerCap === undefined ? undefined : capIdle(sources.estimator, device)?.watts;
  return {
    name: metadata.name,
    kind: kindOf(device),
    labels: metadata.labels ?? {},
    taints: spec.taints ?? [],
    unschedulable: spec.unschedulable === true,
    ready: ready?.status === 'True',
    ...(ready === undefined ? {} : { message: ready.message }),
    ...(status?.deviceClassName === undefined ? {} : { className: status.deviceClassName }),
    ...(liveness.kind === 'silent' ? { lostSeconds: liveness.seconds } : {}),
    ...(status?.agentVersion === undefined ? {} : { agentVersion: status.agentVersion }),
    upstreams: upstreamsOf(device),
    ...(status?.allocatable?.memory === undefined ? {} : { memoryBytes: countQuantity(status.allocatable.memory) }),
    ...(status?.allocatable?.storage === undefined ? {} : { storageBytes: countQuantity(status.allocatable.storage) }),
    ...(spec.powerCap === undefined ? {} : { powerCapWatts: parsePower(spec.powerCap) }),
    ...(idleWatts === undefined ? {} : { idleWatts }),
  };
}

function viewDeployment(sources: SnapshotSources, deployment: Stored<ModelDeployment>): DeploymentView {
  const { placement, requirements, priority, runtime, suspend } = deployment.spec;
  return {
    uid: deployment.metadata.uid,
    key: keyOf(deployment),
    priority: priority ?? 0,
    createdTime: deployment.metadata.creationTimestamp,
    mode: placement.mode ?? 'Replicas',
    replicas: placement.replicas ?? 1,
    classNames: placement.deviceClassNames ?? [],
    tolerations: placement.tolerations ?? [],
    strategy: placement.strategy ?? 'LeastEnergy',
    failoverSeconds: placement.failoverSeconds ?? 600,
    frozen: suspend === true || usableVersion(sources.versions, deployment) === undefined,
    ...(placement.deviceSelector === undefined ? {} : { selector: placement.deviceSelector }),
    ...(runtime?.upstreamName === undefined ? {} : { upstreamName: runtime.upstreamName }),
    ...(placement.topologyKey === undefined ? {} : { topologyKey: placement.topologyKey }),
    ...(requirements?.minimumAgentVersion === undefined ? {} : { minimumAgentVersion: requirements.minimumAgentVersion }),
    ...(requirements?.p95LatencyMilliseconds === undefined
      ? {}
      : { p95LatencyMilliseconds: requirements.p95LatencyMilliseconds }),
  };
}

/** As agents report them among their execution providers: upstream:NAME. */
function upstreamsOf({ status }: Stored<EdgeDevice>): string[] {
  return (status?.executionProviders ?? []).flatMap((provider) => /^upstream:(.+)$/.exec(provider)?.[1] ?? []);
}

function existingPlacements(instances: readonly Stored<ModelInstance>[]): Map<string, ExistingPlacement[]> {
  const byDeployment = new Map<string, ExistingPlacement[]>();
  for (const { spec, metadata } of instances) {
    if (metadata.deletionTimestamp !== undefined) continue;
    const slots = [spec.active, spec.candidate].filter((slot): slot is Slot => slot !== undefined);
    const placement = {
      deviceName: spec.deviceName,
      occupied: slots.length > 0,
      memoryBytes: slots.reduce((sum, slot) => sum + countQuantity(slot.peakMemory ?? 0), 0),
    };
    const placements = byDeployment.get(spec.deploymentUid);
    if (placements) placements.push(placement);
    else byDeployment.set(spec.deploymentUid, [placement]);
  }
  return byDeployment;
}

interface Judge {
  judge(device: EdgeDevice): Option;
  /** What was judged, by kind of device. */
  options: Map<string, Option>;
}

/** Judges devices for one deployment; what is the same for all of them is worked out once. */
function optionsOf(sources: SnapshotSources, deployment: Stored<ModelDeployment>): Judge {
  return { judge: judgeOf(sources, deployment), options: new Map() };
}

function judgeOf(sources: SnapshotSources, deployment: Stored<ModelDeployment>): Judge['judge'] {
  const version = usableVersion(sources.versions, deployment);
  if (!version) return () => ({ kind: 'refused', verdict: 'Unknown', message: 'its model version is not ready' });
  const target = targetRevisionOf(deployment, version);
  const criteriaHash = criteriaHashOf(deployment);
  const rejections = readRejections(sources.revisions.get(`${deployment.metadata.namespace}/${target.name}`)).filter(
    (rejection) => rejection.criteriaHash === criteriaHash,
  );
  const peakMemory = new Map((version.status?.variants ?? []).map((variant) => [variant.name, variant.peakMemory]));
  return (device) => {
    const className = device.status?.deviceClassName;
    if (className === undefined) return { kind: 'refused', verdict: 'NotReady', message: 'its device class is not known yet' };
    const rejection = rejections.find((candidate) => candidate.deviceClassName === className);
    const choice = chooseVariant(sources.estimator, deployment, version, device);
    const joules = choice.estimate && predictedJoules(choice.estimate);
    const shown = { ...(choice.estimate ? { variant: choice.estimate.variant } : {}), ...(joules ? { joules } : {}) };
    if (rejection)
      return {
        kind: 'refused',
        ...shown,
        verdict: 'Rejected',
        message: `${target.name} was rejected on ${className}: ${rejection.message}`,
      };
    if (choice.kind === 'refused') return { kind: 'refused', ...shown, verdict: choice.verdict, message: choice.message };
    const { estimate, variant } = choice;
    const marginalWatts = marginal(sources, deployment, device, estimate);
    const latencySeconds = decidingLatency(estimate);
    return {
      kind: 'allowed',
      variant: variant.name,
      verdict: estimate.verdict,
      ...(joules ? { joules } : {}),
      ...(marginalWatts ? { marginalWatts } : {}),
      ...(latencySeconds ? { latencySeconds } : {}),
      memoryBytes: countQuantity(deployment.spec.requirements?.memory ?? peakMemory.get(variant.name) ?? 0),
      storageBytes: countQuantity(variant.size ?? 0),
    };
  };
}

/** Of a network unlike all that the predictor knows only a measurement can say that it is too slow. */
function decidingLatency({ prediction }: VariantEstimate) {
  return prediction?.inDomain ? prediction.latencySeconds : undefined;
}

/** Watts above idle at the declared load, at the boundary of the device's cap where it has one, else of the budget. */
function marginal(sources: SnapshotSources, deployment: ModelDeployment, device: EdgeDevice, estimate: VariantEstimate) {
  const { load, runtime, budget } = deployment.spec;
  if (load?.requestRate === undefined) return undefined;
  const cap = device.spec.powerCap === undefined ? undefined : capIdle(sources.estimator, device);
  const boundary = cap?.boundary ?? estimate.boundary;
  const prediction = cap
    ? sources.estimator.predict(estimate, device, runtime, boundary, budget.confidencePercent ?? 90)
    : estimate.prediction;
  if (!prediction || prediction.boundary !== boundary) return undefined;
  const idleWatts = cap?.watts ?? estimate.idleWatts;
  const power = predictPower(prediction, {
    requestRate: parseRate(load.requestRate),
    powerBasis: 'Marginal',
    ...(idleWatts === undefined ? {} : { idleWatts }),
  });
  return power.kind === 'power' ? power.watts : undefined;
}

function capIdle(estimator: Pick<Estimator, 'idleWatts'>, device: EdgeDevice): { boundary: Boundary; watts: number } | undefined {
  for (const boundary of capBoundaries) {
    const watts = estimator.idleWatts(device, boundary);
    if (watts !== undefined) return { boundary, watts };
  }
  return undefined;
}
