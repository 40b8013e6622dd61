// One side of a plan: what the controller would decide about every deployment of a world. The decisions are the controller's own
// (placement loop, phases of a deployment); here they are only put beside each other. Pure.
import type { EdgeDevice } from '../../crds/edge-device.ts';
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import type { ModelInstance, Slot } from '../../crds/model-instance.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { keyOf } from '../../kube/api/resource.ts';
import { findCondition } from '../../kube/meta/conditions.ts';
import { predictedJoules } from '../estimate/choose-variant.ts';
import { planDeployment } from '../model-deployment/plan.ts';
import { criteriaHashOf, slotOf, targetRevisionOf } from '../model-deployment/revision.ts';
import { gatherWorld } from '../model-deployment/world.ts';
import { newInstance } from '../placement/instance.ts';
import { schedule } from '../placement/scheduling/schedule.ts';
import type { DeploymentView, DeviceView, Option, PlacementDecision, Snapshot } from '../placement/scheduling/types.ts';
import { type SnapshotSources, takeSnapshot, usableVersion } from '../placement/snapshot.ts';
import type { Outcome, PlannedDeployment, PlannedPlacement } from './fleet-plan.ts';
import { placementPower } from './placement-power.ts';

export interface Side {
  /** In the order of names. */
  deployments: PlannedDeployment[];
  /** Instances as they are once everything has converged. */
  instances: Stored<ModelInstance>[];
}

const shownMisses = 5;

export function decideSide(sources: SnapshotSources, nowMilliseconds: number): Side {
  const snapshot = takeSnapshot(sources);
  const decisions = new Map(schedule(snapshot).map((decision) => [decision.deploymentUid, decision]));
  const views = new Map(snapshot.devices.map((view) => [view.name, view]));
  const side: Side = { deployments: [], instances: [] };
  const byName = [...snapshot.deployments].sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const view of byName) {
    const deployment = sources.deployments.get(view.key);
    const decision = decisions.get(view.uid);
    if (!deployment || !decision) continue;
    const context: Context = { sources, snapshot, views, costs: new Map(), deployment, view, decision, nowMilliseconds };
    const instances = new Map(existing(context).map((instance) => [instance.spec.deviceName, instance]));
    side.deployments.push(describe(context, instances));
    side.instances.push(...converge(context, instances));
  }
  return side;
}

interface Context {
  sources: SnapshotSources;
  snapshot: Snapshot;
  views: ReadonlyMap<string, DeviceView>;
  /** What was estimated for this deployment, by kind of device and variant. */
  costs: Map<string, Cost>;
  deployment: Stored<ModelDeployment>;
  view: DeploymentView;
  decision: PlacementDecision;
  nowMilliseconds: number;
}

function existing({ sources, view }: Context): Stored<ModelInstance>[] {
  return sources.instances.byIndex('deployment', view.uid).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

function describe(context: Context, instances: ReadonlyMap<string, Stored<ModelInstance>>): PlannedDeployment {
  const { deployment, decision } = context;
  const placements = decision.chosen.flatMap((device) => placementOn(context, device, instances.get(device)) ?? []);
  return {
    name: keyOf(deployment),
    modelVersion: deployment.spec.modelVersionName,
    ...judge(context, placements),
    desired: decision.desired,
    placements,
    misses: decision.candidates.filter(({ verdict }) => verdict !== 'Chosen').slice(0, shownMisses),
    candidateCounts: decision.candidateCounts,
  };
}

function judge(context: Context, placements: readonly PlannedPlacement[]): { outcome: Outcome; reason: string; message: string } {
  const { sources, deployment, decision, nowMilliseconds } = context;
  if (deployment.spec.suspend === true)
    return { outcome: 'Suspended', reason: 'Suspended', message: 'spec.suspend is set: nothing is decided' };
  const results = { of: () => decision };
  const { status } = planDeployment(gatherWorld({ ...sources, results }, deployment, nowMilliseconds));
  const conditionOf = (type: string) => {
    const found = findCondition(status.conditions, type);
    return { status: found?.status, reason: found?.reason ?? 'Unknown', message: found?.message ?? '' };
  };
  const resolved = conditionOf('ModelResolved');
  if (resolved.status !== 'True') return { outcome: 'Unresolved', reason: resolved.reason, message: resolved.message };
  const target = status.currentRevision;
  const criteriaHash = criteriaHashOf(deployment);
  const rejection = status.rejectedRevisions?.find((one) => one.revision === target && one.criteriaHash === criteriaHash);
  if (
    rejection &&
    (decision.candidateCounts['Rejected'] ?? 0) + placements.filter(({ admission }) => admission === 'Kept').length > 0
  )
    return {
      outcome: 'Rejected',
      reason: 'RevisionRejected',
      message: `${rejection.revision} was rejected on ${rejection.deviceClassName}: ${rejection.message}`,
    };
  const admitted = conditionOf('BudgetAdmitted');
  if (admitted.status === 'False') return { outcome: 'Refused', reason: admitted.reason, message: admitted.message };
  if (decision.shortfall !== undefined) return { outcome: 'Short', reason: 'NoFeasibleDevice', message: decision.shortfall };
  const tested = placements.some(({ admission }) => admission === 'Canary');
  return { outcome: tested ? 'Canary' : 'Admitted', reason: admitted.reason, message: admitted.message };
}

function placementOn(
  context: Context,
  deviceName: string,
  instance: Stored<ModelInstance> | undefined,
): PlannedPlacement | undefined {
  const { sources } = context;
  const device = sources.devices.get(deviceName);
  if (!device) return undefined;
  const option = optionFor(context, deviceName);
  const slot = instance?.spec.active;
  // What the target may not use keeps what it has: admission never stops what serves.
  const subject = option?.kind === 'allowed' ? variantOf(context, option.variant) : slot && servedBy(slot);
  const { tested, ...cost } = costOf(context, device, subject);
  return {
    device: deviceName,
    deviceClass: device.status?.deviceClassName ?? 'unknown',
    ...(subject === undefined ? {} : { variant: subject.name }),
    admission: option?.kind !== 'allowed' ? 'Kept' : tested ? 'Canary' : 'Direct',
    ...cost,
  };
}

type Cost = Pick<PlannedPlacement, 'boundary' | 'joulesPerInference' | 'watts' | 'unknown'> & { tested: boolean };

function costOf(context: Context, device: Stored<EdgeDevice>, subject: Subject | undefined): Cost {
  const { sources, deployment, views, costs } = context;
  const key = `${subject?.digest} ${subject?.name} ${views.get(device.metadata.name)?.kind}`;
  const known = costs.get(key);
  if (known) return known;
  const estimate = subject && sources.estimator.estimate(deployment, subject, device);
  const joules = estimate && predictedJoules(estimate);
  const cost: Cost = {
    tested: estimate?.admission === 'Canary',
    boundary: estimate?.boundary ?? deployment.spec.budget.boundary ?? 'Board',
    ...(joules === undefined ? {} : { joulesPerInference: joules }),
    ...placementPower(sources.estimator, deployment, device, estimate),
  };
  costs.set(key, cost);
  return cost;
}

function servedBy({ variant, digest, externalData }: Slot): Subject {
  return {
    name: variant,
    digest,
    ...(externalData === undefined ? {} : { externalData: externalData.map((file) => ({ ...file, sources: [] })) }),
  };
}

type Subject = Parameters<SnapshotSources['estimator']['estimate']>[1];

function optionFor({ snapshot, view, views }: Context, deviceName: string): Option | undefined {
  const device = views.get(deviceName);
  return device && !view.frozen ? snapshot.option(view, device) : undefined;
}

function variantOf({ sources, deployment }: Context, name: string) {
  return usableVersion(sources.versions, deployment)?.spec.variants.find((variant) => variant.name === name);
}

/** The instances that the decision leaves, each with what it will serve. */
function converge(context: Context, instances: ReadonlyMap<string, Stored<ModelInstance>>): Stored<ModelInstance>[] {
  const { deployment, decision, nowMilliseconds } = context;
  return decision.chosen.map((deviceName) => {
    const present = instances.get(deviceName);
    const made = present ?? newInstance(deployment, deviceName);
    const slot = slotFor(context, deviceName) ?? present?.spec.active;
    const { candidate: _, previous: __, ...spec } = made.spec;
    return {
      ...made,
      metadata: {
        uid: `planned-${made.metadata.name}`,
        resourceVersion: '0',
        creationTimestamp: new Date(nowMilliseconds).toISOString(),
        ...made.metadata,
      },
      spec: { ...spec, ...(slot === undefined ? {} : { active: slot }) },
    };
  });
}

function slotFor(context: Context, deviceName: string): Slot | undefined {
  const { sources, deployment } = context;
  const option = optionFor(context, deviceName);
  const version = usableVersion(sources.versions, deployment);
  if (!version || option?.kind !== 'allowed') return undefined;
  const peakMemory = version.status?.variants?.find(({ name }) => name === option.variant)?.peakMemory;
  return slotOf(targetRevisionOf(deployment, version), option.variant, {
    budget: deployment.spec.budget,
    ...(peakMemory === undefined ? {} : { peakMemory }),
  });
}
