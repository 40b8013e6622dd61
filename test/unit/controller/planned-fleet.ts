// A world for the deployment planner: objects and a clock in, every pass written back, agents that do at once what they are told.
import { sameContent } from '../../../controller/content-hash.ts';
import { judgeBudget } from '../../../controller/estimate/admission.ts';
import { budgetFor } from '../../../controller/estimate/budget-question.ts';
import type { VariantEstimate, VariantEstimator } from '../../../controller/estimate/estimator.ts';
import { type DeploymentPlan, planDeployment } from '../../../controller/model-deployment/plan.ts';
import { newInstance } from '../../../controller/placement/instance.ts';
import type { EdgeDevice } from '../../../crds/edge-device.ts';
import type { ModelDeployment, ModelDeploymentSpec } from '../../../crds/model-deployment.ts';
import type { EnergyTestStatus, ModelInstance, Slot } from '../../../crds/model-instance.ts';
import type { ModelVersion } from '../../../crds/model-version.ts';
import type { Prediction } from '../../../energy/prediction/prediction.ts';
import type { ControllerRevision } from '../../../kube/api/builtins.ts';
import type { Condition, Stored } from '../../../kube/api/objects.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { describeInstance, type StubModel } from '../../support/stub-agent.ts';
import { testPrediction } from '../../support/test-prediction.ts';

const startTime = Date.UTC(2026, 0, 1);
let serial = 0;

function stored<T extends { metadata: { name: string } }>(
  object: T,
): Stored<T & import('../../../kube/api/objects.ts').KubeObject> {
  serial += 1;
  const metadata = {
    uid: `uid-${serial}`,
    resourceVersion: String(serial),
    generation: 1,
    creationTimestamp: new Date(startTime).toISOString(),
    ...object.metadata,
  };
  return { apiVersion: 'v1', kind: 'Test', ...object, metadata } as never;
}

export interface PlannedFleetOptions {
  spec?: Partial<ModelDeploymentSpec>;
  /** Device name → class. */
  devices: Record<string, string>;
  /** Joules per inference, by class; a class without one has no predictor. */
  predictions?: Record<string, Partial<Prediction> & { joules: [estimate: number, lower: number, upper: number] }>;
}

export class PlannedFleet {
  deployment: Stored<ModelDeployment>;
  version: Stored<ModelVersion> | undefined;
  devices: Map<string, Stored<EdgeDevice>>;
  instances: Stored<ModelInstance>[] = [];
  revisions: Stored<ControllerRevision>[] = [];
  now = startTime;
  behave: (slot: Slot, deviceName: string) => StubModel = () => ({});
  readonly events: string[] = [];
  readonly #predictions: NonNullable<PlannedFleetOptions['predictions']>;

  constructor({ spec, devices, predictions = {} }: PlannedFleetOptions) {
    this.#predictions = predictions;
    this.deployment = stored({
      apiVersion: 'jouleops.dev/v1alpha1',
      kind: 'ModelDeployment',
      metadata: { name: 'cell', namespace: 'factory' },
      spec: {
        modelVersionName: 'cell-1',
        budget: { energyPerInference: '80mJ', boundary: 'Board' as const },
        placement: { replicas: Object.keys(devices).length },
        ...spec,
      },
    }) as Stored<ModelDeployment>;
    this.version = this.release('cell-1', 'a');
    this.devices = new Map(Object.entries(devices).map(([name, className]) => [name, makeDevice(name, className)]));
    for (const name of this.devices.keys())
      this.instances.push(stored(newInstance(this.deployment, name)) as Stored<ModelInstance>);
  }

  release(name: string, digit: string): Stored<ModelVersion> {
    const digest = `sha256:${digit.repeat(64)}`;
    return stored({
      apiVersion: 'jouleops.dev/v1alpha1',
      kind: 'ModelVersion',
      metadata: { name, namespace: 'factory' },
      spec: {
        family: 'cell',
        version: `${name.replace('cell-', '')}.0.0`,
        variants: [{ name: 'fp32', digest, size: 1000, sources: [] }],
      },
      status: { conditions: [condition('Ready', 'True', 'Analyzed')], variants: [{ name: 'fp32', digest, peakMemory: '1Mi' }] },
    }) as Stored<ModelVersion>;
  }

  /** Points the deployment at another version. */
  ask(version: Stored<ModelVersion>): void {
    this.version = version;
    this.edit({ modelVersionName: version.metadata.name });
  }

  edit(spec: Partial<ModelDeploymentSpec>): void {
    const generation = (this.deployment.metadata.generation ?? 1) + 1;
    this.deployment = {
      ...this.deployment,
      metadata: { ...this.deployment.metadata, generation },
      spec: { ...this.deployment.spec, ...spec },
    };
  }

  annotate(annotations: Record<string, string>): void {
    this.deployment = { ...this.deployment, metadata: { ...this.deployment.metadata, annotations } };
  }

  /** A device that placement takes at once. */
  join(name: string, className: string): void {
    this.devices.set(name, makeDevice(name, className));
    const made = stored(newInstance(this.deployment, name)) as Stored<ModelInstance>;
    const creationTimestamp = new Date(this.now).toISOString();
    this.instances.push({ ...made, metadata: { ...made.metadata, creationTimestamp } });
  }

  /** Somebody edits the device, or says again that it answers. */
  changeDevice(name: string, spec: EdgeDevice['spec']): void {
    const device = this.devices.get(name);
    if (device) this.devices.set(name, { ...device, spec });
  }

  /** What the device's agent says of its tests is replaced by this. */
  reportTests(deviceName: string, change: (test: EnergyTestStatus) => EnergyTestStatus): void {
    this.instances = this.instances.map((instance) =>
      instance.spec.deviceName === deviceName
        ? { ...instance, status: { ...instance.status, tests: (instance.status?.tests ?? []).map(change) } }
        : instance,
    );
  }

  lose(deviceName: string): void {
    const device = this.devices.get(deviceName);
    if (device)
      this.devices.set(deviceName, {
        ...device,
        status: { ...device.status, conditions: [condition('Ready', 'Unknown', 'AgentUnreachable')] },
      });
  }

  /** Its agent is back, as of now. */
  answer(deviceName: string): void {
    const device = this.devices.get(deviceName);
    const ready = { ...condition('Ready', 'True', 'AgentReady'), lastTransitionTime: new Date(this.now).toISOString() };
    if (device) this.devices.set(deviceName, { ...device, status: { ...device.status, conditions: [ready] } });
  }

  plan(): DeploymentPlan {
    return planDeployment({
      deployment: this.deployment,
      nowMilliseconds: this.now,
      instances: this.instances,
      devices: this.devices,
      representatives: new Map(
        [...this.devices.values()].reverse().map((device) => [device.status?.deviceClassName ?? '', device]),
      ),
      revisions: this.revisions,
      estimator: this.#estimator,
      placement: {
        deploymentUid: this.deployment.metadata.uid,
        desired: this.deployment.spec.placement.replicas ?? 1,
        chosen: this.instances.map((instance) => instance.spec.deviceName),
        candidates: [],
        candidateCounts: {},
      },
      ...(this.version === undefined ? {} : { version: this.version }),
    });
  }

  /** One pass, written back. @returns whether anything was written. */
  pass(): boolean {
    const plan = this.plan();
    this.events.push(...plan.events.map((event) => event.reason));
    if (plan.newRevision) this.revisions.push(stored(plan.newRevision) as Stored<ControllerRevision>);
    for (const { revision, annotations, number } of plan.revisionChanges) {
      const merged = Object.fromEntries(
        Object.entries({ ...revision.metadata.annotations, ...annotations }).filter(([, value]) => value !== null),
      ) as Record<string, string>;
      const changed = {
        ...revision,
        metadata: { ...revision.metadata, annotations: merged },
        revision: number ?? revision.revision,
      };
      this.revisions = this.revisions
        .map((candidate) => (candidate.metadata.uid === revision.metadata.uid ? changed : candidate))
        .sort((a, b) => a.revision - b.revision);
    }
    for (const { instance, slots } of plan.slotChanges) {
      const { deviceName, deploymentName, deploymentUid } = instance.spec;
      const generation = (instance.metadata.generation ?? 1) + 1;
      const moved = {
        ...instance,
        metadata: { ...instance.metadata, generation },
        spec: { deviceName, deploymentName, deploymentUid, ...slots },
      };
      this.instances = this.instances.map((candidate) => (candidate.metadata.uid === instance.metadata.uid ? moved : candidate));
    }
    const statusChanged = !sameContent(this.deployment.status, plan.status);
    this.deployment = { ...this.deployment, status: plan.status };
    return statusChanged || plan.newRevision !== undefined || plan.revisionChanges.length + plan.slotChanges.length > 0;
  }

  /** Agents report on what they are told. @returns whether a report changed. */
  report(): boolean {
    let changed = false;
    this.instances = this.instances.map((instance) => {
      const { deviceName } = instance.spec;
      if (findCondition(this.devices.get(deviceName)?.status?.conditions, 'Ready')?.status !== 'True') return instance;
      const status = describeInstance(instance, (slot) => this.behave(slot, deviceName), new Date(this.now).toISOString());
      if (sameContent(instance.status, status)) return instance;
      changed = true;
      return { ...instance, status };
    });
    return changed;
  }

  /** Until neither the controller nor the agents have anything to say. @throws when that does not happen. */
  settle(): void {
    for (let round = 0; round < 40; round++) {
      const wrote = this.pass();
      const reported = this.report();
      if (!wrote && !reported) return;
    }
    throw new Error(`the world does not come to rest: ${JSON.stringify(this.deployment.status?.conditions)}`);
  }

  condition(type: string): string | undefined {
    const found = findCondition(this.deployment.status?.conditions, type);
    return found && `${found.status} ${found.reason}`;
  }

  slots(deviceName: string): { active?: string; candidate?: string; previous?: string } {
    const spec = this.instances.find((instance) => instance.spec.deviceName === deviceName)?.spec;
    const names = { active: spec?.active, candidate: spec?.candidate, previous: spec?.previous };
    return Object.fromEntries(Object.entries(names).flatMap(([slot, value]) => (value ? [[slot, value.modelVersionName]] : [])));
  }

  get #estimator(): VariantEstimator {
    return {
      estimate: (deployment, variant, device): VariantEstimate => {
        const className = device.status?.deviceClassName ?? '';
        const question = budgetFor(deployment, className);
        const made = this.#predictions[className];
        const prediction = made && testPrediction(`${className}@1`, made.joules, made);
        const evidence = prediction ? { prediction } : {};
        return {
          variant: variant.name,
          digest: variant.digest,
          boundary: question.boundary,
          ...evidence,
          ...judgeBudget(question, evidence),
        };
      },
    };
  }
}

function makeDevice(name: string, className: string): Stored<EdgeDevice> {
  return stored({
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'EdgeDevice',
    metadata: { name },
    spec: {},
    status: { deviceClassName: className, conditions: [condition('Ready', 'True', 'AgentReady')] },
  }) as Stored<EdgeDevice>;
}

function condition(type: string, status: Condition['status'], reason: string): Condition {
  return { type, status, reason, message: '', lastTransitionTime: new Date(startTime).toISOString() };
}
