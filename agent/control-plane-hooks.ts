// What the agent does with what the control plane says.
import type { EdgeDevice } from '../crds/edge-device.ts';
import type { ModelInstance } from '../crds/model-instance.ts';
import type { Stored } from '../kube/api/objects.ts';
import type { Clock } from '../kube/runtime/clock.ts';
import type { ControlPlaneDeps } from './control-plane.ts';
import type { Instances } from './instances.ts';
import { type DeviceView, describeDevice } from './status/describe-device.ts';
import { Publisher } from './status/publisher.ts';
import { StatusWriter } from './status/status-writer.ts';

interface Deps extends Pick<ControlPlaneDeps, 'logger' | 'desired' | 'disk' | 'onIdentity'> {
  instances: Instances;
  deviceView: () => Promise<Omit<DeviceView, 'generation'>>;
  /** Whether what was there before a restart is still coming up. */
  resuming: () => boolean;
  /** Puts on disk what was learned. */
  keep: () => Promise<void>;
}

export interface ControlPlaneHooks {
  controlPlane: ControlPlaneDeps;
  /** A status has something new to say. */
  wake(): void;
  device(): Stored<EdgeDevice> | undefined;
  /** Whether a heartbeat reached the API server within this time. */
  reachedWithin(milliseconds: number): boolean;
}

/** @param deps asked for only once everything is put together: the hooks and what they drive know each other. */
export function createControlPlaneHooks(clock: Clock, deps: () => Deps): ControlPlaneHooks {
  let device: Stored<EdgeDevice> | undefined;
  let publisher: Publisher | undefined;
  let lastReached = Number.NEGATIVE_INFINITY;
  const wake = () => publisher?.wake();
  const build = (): ControlPlaneDeps => {
    const { logger, desired, disk, instances, onIdentity, deviceView, resuming, keep } = deps();
    return {
      clock,
      logger,
      desired,
      disk,
      onIdentity,
      onInstance: (instance, object: Stored<ModelInstance>) => {
        publisher?.seedInstance(object);
        instances.put(instance);
        wake();
      },
      onStopped: (instance) => instances.remove(instance),
      onDevice: (next) => {
        device = next;
        wake();
        const { hold, maintenanceWindows } = next.spec;
        desired.setDevice({ hold: hold ?? false, maintenanceWindows: maintenanceWindows ?? [] }).then(
          () => instances.wakeAll(),
          (error: unknown) => logger.error({ err: error }, 'the device settings could not be kept on disk'),
        );
      },
      onReached: (reached) => {
        if (reached) lastReached = clock.monotonic();
      },
      publish: async (client, deviceObject, signal) => {
        publisher = new Publisher({
          clock,
          logger,
          client,
          writer: new StatusWriter({ client, clock, logger, keep }),
          runners: () => instances.runners(),
          resuming,
          describeInstance: (runner, before) => instances.describe(runner, before),
          describeDevice: async (generation, before) =>
            describeDevice({ generation, ...(await deviceView()) }, before, new Date(clock.now()).toISOString()),
          device: deviceObject,
        });
        await publisher.run(signal);
      },
    };
  };
  return {
    get controlPlane() {
      return build();
    },
    wake,
    device: () => device,
    reachedWithin: (milliseconds) => clock.monotonic() - lastReached < milliseconds,
  };
}
