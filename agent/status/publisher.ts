import { agentDeviceConditions, agentInstanceConditions } from '../../crds/conditions.ts';
import type { EdgeDevice, EdgeDeviceStatus } from '../../crds/edge-device.ts';
import type { ModelInstance, ModelInstanceStatus } from '../../crds/model-instance.ts';
import { edgeDevices, modelInstances } from '../../crds/resources.ts';
import type { Condition, Stored } from '../../kube/api/objects.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { InstanceRunner } from '../serving/instance-runner.ts';
import type { StatusWriter } from './status-writer.ts';

interface Deps {
  clock: Clock;
  writer: StatusWriter;
  runners: () => readonly InstanceRunner[];
  describeInstance: (runner: InstanceRunner, before: readonly Condition[]) => ModelInstanceStatus;
  describeDevice: (generation: number, before: readonly Condition[]) => Promise<EdgeDeviceStatus>;
  device: () => Stored<EdgeDevice> | undefined;
}

const settleMilliseconds = 100;
const tickMilliseconds = 30_000;

/** Brings statuses to the API server when something changed, and looks again every half minute. */
export class Publisher {
  readonly #deps: Deps;
  /** This agent's conditions as last computed, so that transition times stay. */
  readonly #conditions = new Map<string, Condition[]>();
  #wake = Promise.withResolvers<void>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  wake(): void {
    this.#wake.resolve();
  }

  /** What the API server has of this agent's fields of an instance, from before a restart. */
  seedInstance(object: Stored<ModelInstance>): void {
    const own = ownConditions(object.status?.conditions, agentInstanceConditions);
    if (own.length === 0 || !object.status) return;
    this.#conditions.set(object.metadata.uid, own);
    this.#deps.writer.seed(modelInstances, object, { ...object.status, conditions: own });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      await this.#publish(signal);
      const tick = new AbortController();
      await Promise.race([this.#wake.promise, stopped, clock.sleep(tickMilliseconds, tick.signal).catch(() => {})]);
      tick.abort();
      await clock.sleep(settleMilliseconds, signal).catch(() => {});
    }
  }

  async #publish(signal: AbortSignal): Promise<void> {
    const { runners, describeInstance, writer } = this.#deps;
    await this.#publishDevice(signal);
    for (const runner of runners()) {
      if (signal.aborted) return;
      const { namespace, name, uid } = runner.instance;
      const status = describeInstance(runner, this.#conditions.get(uid) ?? []);
      this.#conditions.set(uid, status.conditions ?? []);
      await writer.write(modelInstances, { metadata: { namespace, name, uid }, status }, signal);
    }
  }

  async #publishDevice(signal: AbortSignal): Promise<void> {
    const device = this.#deps.device();
    if (!device) return;
    const { uid, name, generation } = device.metadata;
    if (!this.#conditions.has(uid)) this.#seedDevice(device);
    const status = await this.#deps.describeDevice(generation ?? 1, this.#conditions.get(uid) ?? []);
    this.#conditions.set(uid, status.conditions ?? []);
    await this.#deps.writer.write(edgeDevices, { metadata: { name, uid }, status }, signal);
  }

  #seedDevice(device: Stored<EdgeDevice>): void {
    const own = ownConditions(device.status?.conditions, agentDeviceConditions);
    if (own.length === 0 || !device.status) return;
    this.#conditions.set(device.metadata.uid, own);
    const { deviceClassName: _class, assigned: _assigned, observedGeneration: _generation, ...status } = device.status;
    this.#deps.writer.seed(edgeDevices, device, { ...status, conditions: own });
  }
}

function ownConditions(conditions: readonly Condition[] | undefined, types: readonly string[]): Condition[] {
  return (conditions ?? []).filter((condition) => types.includes(condition.type));
}
