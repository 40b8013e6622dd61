// A small fleet for plans: objects by a few words, and energies that the test says.
import { judgeBudget } from '../../../controller/estimate/admission.ts';
import { budgetFor } from '../../../controller/estimate/budget-question.ts';
import type { SnapshotSources } from '../../../controller/placement/snapshot.ts';
import { compareSides } from '../../../controller/plan/compare-sides.ts';
import { decideSide } from '../../../controller/plan/decide-side.ts';
import type { FleetPlan } from '../../../controller/plan/fleet-plan.ts';
import { type FleetObjects, plannedWorld } from '../../../controller/plan/planned-world.ts';
import type { DeviceClass } from '../../../crds/device-class.ts';
import type { EdgeDevice } from '../../../crds/edge-device.ts';
import type { ModelDeployment, ModelDeploymentSpec } from '../../../crds/model-deployment.ts';
import type { ModelInstance } from '../../../crds/model-instance.ts';
import type { ModelVersion } from '../../../crds/model-version.ts';
import type { Prediction } from '../../../energy/prediction/prediction.ts';
import type { Condition, KubeObject, ObjectMeta, Stored } from '../../../kube/api/objects.ts';
import { testPrediction } from '../../support/test-prediction.ts';

export const now = Date.UTC(2026, 10, 21);
const api = { apiVersion: 'jouleops.dev/v1alpha1' };

/** Millijoules per inference by class; each with an interval of 10 % on either side. */
export type Millijoules = Record<string, number>;

const idleWatts: Record<string, number> = { 'raspberry-pi-5': 3 };
const secondsPerInference = 0.001;

export function deployment(name: string, spec: Partial<ModelDeploymentSpec> = {}, metadata: Partial<ObjectMeta> = {}) {
  return stored<ModelDeployment>({
    ...api,
    kind: 'ModelDeployment',
    metadata: { name, namespace: 'factory', ...metadata },
    spec: {
      modelVersionName: 'cell-1',
      budget: { energyPerInference: '80mJ', boundary: 'Board' },
      load: { requestRate: '5/s' },
      placement: { replicas: 1 },
      ...spec,
    },
  });
}

export function version(name: string, digit: string, ready: Condition['status'] = 'True') {
  const digest = `sha256:${digit.repeat(64)}`;
  return stored<ModelVersion>({
    ...api,
    kind: 'ModelVersion',
    metadata: { name, namespace: 'factory' },
    spec: { family: 'cell', version: '1.0.0', variants: [{ name: 'fp32', digest, size: 1000, sources: [] }] },
    status: {
      conditions: [condition('Ready', ready, ready === 'True' ? 'Analyzed' : 'DigestMismatch')],
      variants: [{ name: 'fp32', digest, peakMemory: '1Mi' }],
    },
  });
}

export function device(name: string, className: string, more: { spec?: EdgeDevice['spec']; ready?: Condition } = {}) {
  return stored<EdgeDevice>({
    ...api,
    kind: 'EdgeDevice',
    metadata: { name },
    spec: { deviceClassName: className, ...more.spec },
    ...(more.ready === undefined ? {} : { status: { deviceClassName: className, conditions: [more.ready] } }),
  });
}

export function condition(type: string, status: Condition['status'], reason: string, message = reason): Condition {
  return { type, status, reason, message, lastTransitionTime: new Date(now - 3600_000).toISOString() };
}

export function fleet(parts: Partial<FleetObjects>): FleetObjects {
  const names = [...new Set((parts.devices ?? []).map(({ spec }) => spec.deviceClassName ?? ''))];
  const classes = names.map((name) => stored<DeviceClass>({ ...api, kind: 'DeviceClass', metadata: { name }, spec: {} }));
  return { deployments: [], versions: [], devices: [], instances: [], revisions: [], classes, ...parts };
}

/** What a fleet serves once it has converged. */
export function converged(objects: FleetObjects, millijoules: Millijoules): Stored<ModelInstance>[] {
  return decideSide(plannedWorld(objects, estimatorOf(millijoules), now), now).instances;
}

export function plan(before: FleetObjects, after: FleetObjects, millijoules: Millijoules): FleetPlan {
  const world = (objects: FleetObjects) => {
    const sources = plannedWorld(objects, estimatorOf(millijoules), now);
    return { sources, side: decideSide(sources, now) };
  };
  const was = world(before);
  return compareSides(was, world({ ...after, instances: was.side.instances }), []);
}

function estimatorOf(millijoules: Millijoules): SnapshotSources['estimator'] {
  const predictFor = ({ status }: EdgeDevice): Prediction | undefined => {
    const className = status?.deviceClassName ?? '';
    const joules = (millijoules[className] ?? Number.NaN) / 1000;
    if (Number.isNaN(joules)) return undefined;
    return testPrediction(`${className}@1`, [joules, joules * 0.9, joules * 1.1], {
      latencySeconds: { estimate: secondsPerInference, lower: secondsPerInference, upper: secondsPerInference },
    });
  };
  const restOf = ({ status }: EdgeDevice) => idleWatts[status?.deviceClassName ?? ''];
  return {
    predict: (_subject, at) => predictFor(at),
    idleWatts: (at) => restOf(at),
    estimate: (of, { name, digest }, at) => {
      const question = budgetFor(of, at.status?.deviceClassName);
      const prediction = predictFor(at);
      const idle = restOf(at);
      const evidence = {
        ...(prediction === undefined ? {} : { prediction }),
        ...(idle === undefined ? {} : { idleWatts: idle }),
      };
      return { variant: name, digest, boundary: question.boundary, ...evidence, ...judgeBudget(question, evidence) };
    },
  };
}

export function stored<T extends KubeObject>(object: T): Stored<T> {
  const { kind, metadata } = object;
  return {
    ...object,
    metadata: {
      uid: `${kind}-${metadata.name}`,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: new Date(now - 3600_000).toISOString(),
      ...metadata,
    },
  };
}
