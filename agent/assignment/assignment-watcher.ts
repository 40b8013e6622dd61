import type { Logger } from 'pino';
import type { AssignedInstance, EdgeDevice } from '../../crds/edge-device.ts';
import type { ModelInstance } from '../../crds/model-instance.ts';
import { edgeDevices, modelInstances } from '../../crds/resources.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { Reflector } from '../../kube/cache/reflector.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import { untilAborted } from '../../kube/runtime/until-aborted.ts';
import { hasEnded } from '../has-ended.ts';
import { retrySeconds } from '../retry-wait.ts';
import { decideAssignment } from './decide-assignment.ts';
import type { DesiredInstance, DesiredState } from './desired-state.ts';

interface Deps {
  client: Client;
  clock: Clock;
  logger: Logger;
  desired: DesiredState;
  /** The instance's slots are new; already on disk. `object` is what the API server says of it. */
  onInstance: (instance: DesiredInstance, object: Stored<ModelInstance>) => void;
  onStopped: (instance: DesiredInstance) => void;
  onDevice: (device: Stored<EdgeDevice>) => void;
}

/** What could not be read is read again: soon at first. */
const firstRetrySeconds = 1;
const maximumRetrySeconds = 10;

/** Watches one object, this device's own, and reads the instances that it names. */
export class AssignmentWatcher {
  readonly #deps: Deps;
  readonly #name: string;
  readonly #deviceUid: string;
  readonly #reflector: Reflector<EdgeDevice>;
  #wake = Promise.withResolvers<void>();
  #keeping: string | undefined;

  constructor(deps: Deps, identity: { name: string; deviceUid: string }) {
    this.#deps = deps;
    this.#name = identity.name;
    this.#deviceUid = identity.deviceUid;
    this.#reflector = new Reflector(deps, edgeDevices, { name: identity.name });
    this.#reflector.onChange(() => this.#wake.resolve());
  }

  /** Why what runs is kept though the API server does not confirm it; undefined while it does. */
  get keeping(): string | undefined {
    return this.#keeping;
  }

  get device(): Stored<EdgeDevice> | undefined {
    return this.#reflector.store.get(this.#name);
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#reflector.run(signal), this.#act(signal)]);
  }

  async #act(signal: AbortSignal): Promise<void> {
    await untilAborted(signal, this.#reflector.synced);
    // Not the promise: each race with one that lives as long as the agent would leave something behind.
    signal.addEventListener('abort', () => this.#wake.resolve(), { once: true });
    let failures = 0;
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      const whole = await this.#step(signal).catch((error: unknown) => {
        if (!signal.aborted)
          this.#deps.logger.warn({ err: error }, 'the assigned instances could not all be read; what runs goes on');
        return false;
      });
      failures = whole ? 0 : failures + 1;
      const waitMilliseconds = retrySeconds(failures, firstRetrySeconds, maximumRetrySeconds) * 1000;
      const retry = whole ? [] : [this.#deps.clock.sleep(waitMilliseconds, signal).catch(() => {})];
      if (!hasEnded(signal)) await Promise.race([this.#wake.promise, ...retry]);
    }
  }

  /** @returns false when something is left to be read. */
  async #step(signal: AbortSignal): Promise<boolean> {
    const { desired, logger, onDevice, onStopped } = this.#deps;
    const { device } = this;
    if (device) onDevice(device);
    const assignment = decideAssignment(device, this.#deviceUid, desired.instances, desired.seenVersion);
    if (assignment.kind === 'keep') {
      if (this.#keeping !== assignment.message)
        logger.warn({ reason: assignment.reason }, `${assignment.message}; what runs goes on`);
      this.#keeping = assignment.message;
      return true;
    }
    this.#keeping = undefined;
    let whole = true;
    if (device) desired.saw(device.metadata.resourceVersion);
    for (const instance of assignment.hold) {
      logger.warn(
        { instance: `${instance.namespace}/${instance.name}` },
        'the API server went back in time and no longer lists an instance; it runs on until it is listed again',
      );
      await desired.put({ ...instance, held: true });
    }
    for (const { held: _, ...instance } of assignment.release) await desired.put(instance);
    for (const entry of assignment.read) whole = (await this.#read(entry, signal)) && whole;
    for (const instance of assignment.stop) {
      await desired.remove(instance);
      onStopped(instance);
    }
    return whole;
  }

  async #read(entry: AssignedInstance, signal: AbortSignal): Promise<boolean> {
    const { client, desired, logger, onInstance } = this.#deps;
    let object: Stored<ModelInstance>;
    try {
      object = await client.get(modelInstances, { namespace: entry.namespace, name: entry.name }, { signal });
    } catch (error) {
      signal.throwIfAborted();
      logger.warn(
        { err: error, instance: `${entry.namespace}/${entry.name}` },
        'an assigned instance cannot be read; what runs goes on',
      );
      return false;
    }
    const { metadata, spec } = object;
    if (metadata.uid !== entry.uid || spec.deviceName !== this.#name) return false; // the list will follow
    const instance = adopt(desired.get(entry.namespace, entry.name), object, this.#deviceUid);
    await desired.put(instance);
    onInstance(instance, object);
    return true;
  }
}

/** New slots over what the device itself remembers: what served, and a step back that lasts until another revision becomes active. */
export function adopt(known: DesiredInstance | undefined, object: Stored<ModelInstance>, deviceUid: string): DesiredInstance {
  const { metadata, spec } = object;
  // Made anew under the same name: what served goes on, but tests and a step back were the other's.
  const same = known?.uid === metadata.uid ? known : undefined;
  const rollback = same?.localRollback?.revision === spec.active?.revision ? same?.localRollback : undefined;
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid,
    generation: metadata.generation ?? 1,
    deviceUid,
    spec,
    ...(known?.lastServed === undefined ? {} : { lastServed: known.lastServed }),
    ...(same?.tests === undefined ? {} : { tests: same.tests }),
    ...(known?.measured === undefined ? {} : { measured: known.measured }),
    ...(rollback === undefined ? {} : { localRollback: rollback, localStop: same?.localStop ?? false }),
  };
}
