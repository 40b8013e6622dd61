import type { Logger } from 'pino';
import { agentDeviceConditions, agentInstanceConditions } from '../../crds/conditions.ts';
import type { EdgeDevice, EdgeDeviceStatus } from '../../crds/edge-device.ts';
import type { ModelInstance, ModelInstanceStatus } from '../../crds/model-instance.ts';
import { edgeDevices, modelInstances } from '../../crds/resources.ts';
import { isNotFound } from '../../kube/api/api-error.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Condition, Stored } from '../../kube/api/objects.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { DesiredInstance } from '../assignment/desired-state.ts';
import { hasEnded } from '../has-ended.ts';
import { retrySeconds } from '../retry-wait.ts';
import type { InstanceRunner } from '../serving/instance-runner.ts';
import type { StatusWriter, WriteResult } from './status-writer.ts';

interface Deps {
  clock: Clock;
  logger: Logger;
  client: Pick<Client, 'get'>;
  writer: StatusWriter;
  runners: () => readonly InstanceRunner[];
  /** Whether what the disk remembers is still coming up: until then there is nothing true to say of it. */
  resuming: () => boolean;
  describeInstance: (runner: InstanceRunner, before: readonly Condition[]) => ModelInstanceStatus;
  describeDevice: (generation: number, before: readonly Condition[]) => Promise<EdgeDeviceStatus>;
  device: () => Stored<EdgeDevice> | undefined;
}

const settleMilliseconds = 100;
const tickMilliseconds = 30_000;
/** After the API server could not be told: it is back before the next tick more often than not. */
const firstRetrySeconds = 1;
/** What has not come up after this long is worth telling. */
const resumeMilliseconds = 20_000;

/** Brings statuses to the API server when something changed, soon again when it could not, and looks again every half minute. */
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
    this.#deps.writer.saw(modelInstances, object);
    if (this.#conditions.has(object.metadata.uid)) return;
    const own = ownConditions(object.status?.conditions, agentInstanceConditions);
    this.#conditions.set(object.metadata.uid, own);
    if (own.length > 0) this.#deps.writer.seed(modelInstances, object, { ...object.status, conditions: own });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, resuming } = this.#deps;
    // Once, and not a promise of its own: each race with one that lives as long as the agent would leave something behind.
    signal.addEventListener('abort', () => this.wake(), { once: true });
    const pause = async (milliseconds: number) => {
      const tick = new AbortController();
      if (!hasEnded(signal)) await Promise.race([this.#wake.promise, clock.sleep(milliseconds, tick.signal).catch(() => {})]);
      tick.abort();
      await clock.sleep(settleMilliseconds, signal).catch(() => {});
    };
    const resumed = clock.monotonic() + resumeMilliseconds;
    let failures = 0;
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      const left = resumed - clock.monotonic();
      if (left > 0 && resuming()) {
        await pause(left);
        continue;
      }
      const whole = await this.#publish(signal).catch((error: unknown) => {
        // Such as a disk that cannot list its artifacts: it must not end the agent, and with it what serves.
        if (!hasEnded(signal)) logger.warn({ err: error }, 'the statuses could not be put together; they are tried again');
        return false;
      });
      failures = whole ? 0 : failures + 1;
      const retryMilliseconds = retrySeconds(failures, firstRetrySeconds, tickMilliseconds / 1000) * 1000;
      await pause(failures === 0 ? tickMilliseconds : retryMilliseconds);
    }
  }

  /** @returns false when something is left to be said. */
  async #publish(signal: AbortSignal): Promise<boolean> {
    const { runners, describeInstance, writer } = this.#deps;
    let whole = (await this.#publishDevice(signal)) !== 'failed';
    for (const runner of runners()) {
      const { namespace, name, uid } = runner.instance;
      const seeded = await this.#isSeeded(runner.instance, signal);
      if (signal.aborted) return false;
      if (!seeded) {
        whole = false;
        continue;
      }
      const status = describeInstance(runner, this.#conditions.get(uid) ?? []);
      this.#conditions.set(uid, status.conditions ?? []);
      const result = await writer.write(modelInstances, { metadata: { namespace, name, uid }, status }, signal);
      whole = result !== 'failed' && whole;
    }
    this.#forgetOthers();
    return whole;
  }

  /** An agent lives for years, and instances come and go. */
  #forgetOthers(): void {
    const { runners, device, writer } = this.#deps;
    const uids = new Set([device()?.metadata.uid ?? '', ...runners().map((runner) => runner.instance.uid)]);
    for (const uid of this.#conditions.keys()) if (!uids.has(uid)) this.#conditions.delete(uid);
    writer.keepOnly(uids);
  }

  /** Before the first word about an instance: what was said of it before a restart. False when that cannot be told now. */
  async #isSeeded({ namespace, name, uid }: DesiredInstance, signal: AbortSignal): Promise<boolean> {
    if (this.#conditions.has(uid)) return true;
    try {
      const object = await this.#deps.client.get(modelInstances, { namespace, name }, { signal });
      if (object.metadata.uid !== uid) return false;
      this.seedInstance(object);
      return true;
    } catch (error) {
      return isNotFound(error);
    }
  }

  async #publishDevice(signal: AbortSignal): Promise<WriteResult> {
    const device = this.#deps.device();
    if (!device) return 'nothingNew';
    const { uid, name, generation } = device.metadata;
    if (!this.#conditions.has(uid)) this.#seedDevice(device);
    const status = await this.#deps.describeDevice(generation ?? 1, this.#conditions.get(uid) ?? []);
    this.#conditions.set(uid, status.conditions ?? []);
    return this.#deps.writer.write(edgeDevices, { metadata: { name, uid }, status }, signal);
  }

  #seedDevice(device: Stored<EdgeDevice>): void {
    const own = ownConditions(device.status?.conditions, agentDeviceConditions);
    this.#conditions.set(device.metadata.uid, own);
    if (own.length === 0 || !device.status) return;
    const { deviceClassName: _class, assigned: _assigned, observedGeneration: _generation, ...status } = device.status;
    this.#deps.writer.seed(edgeDevices, device, { ...status, conditions: own });
  }
}

function ownConditions(conditions: readonly Condition[] | undefined, types: readonly string[]): Condition[] {
  return (conditions ?? []).filter((condition) => types.includes(condition.type));
}
