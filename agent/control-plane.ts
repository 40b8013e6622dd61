// Everything that needs a server: joining, watching, heartbeats, status, renewal. It may be away for any time; nothing here stops a model.
import { createHash, X509Certificate } from 'node:crypto';
import type { Logger } from 'pino';
import type { EdgeDevice } from '../crds/edge-device.ts';
import { decodeJoinToken } from '../crds/join.ts';
import type { ModelInstance } from '../crds/model-instance.ts';
import { simulatedSuffix } from '../crds/names.ts';
import { productVersion } from '../crds/product-version.ts';
import type { Client } from '../kube/api/client.ts';
import { createClient } from '../kube/api/http-client.ts';
import type { Stored } from '../kube/api/objects.ts';
import type { Clock } from '../kube/runtime/clock.ts';
import { AssignmentWatcher } from './assignment/assignment-watcher.ts';
import type { DesiredInstance, DesiredState } from './assignment/desired-state.ts';
import type { Disk } from './disk/disk.ts';
import { beat } from './heartbeat/heartbeat.ts';
import { type DeviceIdentity, lifetimeOf, readIdentity, writeIdentity } from './identity/device-identity.ts';
import { IdentityKeeper } from './identity/identity-keeper.ts';
import { JoinRefused, joinFleet, renewIdentity } from './identity/join.ts';
import { forgetPendingKey, pendingKey } from './identity/pending-key.ts';
import type { AgentOptions } from './options.ts';
import { retrySeconds } from './retry-wait.ts';

export interface ControlPlaneDeps {
  clock: Clock;
  logger: Logger;
  desired: DesiredState;
  /** Where the identity is kept. */
  disk: Disk;
  onIdentity: (identity: DeviceIdentity) => void;
  onInstance: (instance: DesiredInstance, object: Stored<ModelInstance>) => void;
  onStopped: (instance: DesiredInstance) => void;
  onDevice: (device: Stored<EdgeDevice>) => void;
  /** Whether the last heartbeat reached the API server. */
  onReached: (reached: boolean) => void;
  /** Runs for as long as there is a connection: publishes statuses. */
  publish: (client: Client, device: () => Stored<EdgeDevice> | undefined, signal: AbortSignal) => Promise<void>;
}

const firstJoinRetrySeconds = 1;
const maximumJoinRetrySeconds = 60;
const refusedRetrySeconds = 300;

/** Follows the control plane until the signal ends it. @throws JoinRefused when a device that serves nothing yet is turned away for good. */
export async function followControlPlane(options: AgentOptions, deps: ControlPlaneDeps, signal: AbortSignal): Promise<void> {
  const identity = await ensureIdentity(options, deps, signal);
  deps.onIdentity(identity);
  const keeper = new IdentityKeeper(
    {
      clock: deps.clock,
      logger: deps.logger,
      renew: async (current, ending) => {
        const isOver = lifetimeOf(current.certificate).notAfter <= deps.clock.now();
        // With a certificate that ran out nobody lets it in: as at a start, the name is still bound to its key.
        return isOver && options.join
          ? joinFleet({ name: options.name, source: options.join, key: current.key }, ending)
          : renewIdentity(current, ending, await pendingKey(options.dataDirectory, deps.disk));
      },
      keep: async (renewed) => {
        await keepIdentity(options, renewed, deps.disk);
        deps.onIdentity(renewed);
      },
    },
    identity,
    signal,
  );
  const client = createClient(keeper.connection(), { userAgent: `jouleops-agent/${productVersion}`, clock: deps.clock });
  const watcher = new AssignmentWatcher({ ...deps, client }, identity);
  const onBeat = (reached: boolean) => {
    if (reached) keeper.accepted();
    deps.onReached(reached);
  };
  try {
    await Promise.all([
      watcher.run(signal),
      beat({ client, clock: deps.clock, logger: deps.logger, onBeat }, options.name, options.heartbeatSeconds ?? 60, signal),
      deps.publish(client, () => watcher.device, signal),
      keeper.run(),
    ]);
  } finally {
    await client.close();
  }
}

/** The identity on disk, or a new one by joining. A token of another controller means that this device was moved: it joins there. */
async function ensureIdentity(options: AgentOptions, deps: ControlPlaneDeps, signal: AbortSignal): Promise<DeviceIdentity> {
  const known = await readIdentity(options.dataDirectory, deps.disk);
  if (known && known.name !== options.name)
    throw new Error(
      `${options.dataDirectory} belongs to device ${known.name}, not ${options.name}: give each device its own data directory`,
    );
  const belongs = known !== undefined && !isOfAnotherController(options, known);
  if (belongs && lifetimeOf(known.certificate).notAfter > deps.clock.now()) return known;
  const source = options.join;
  if (!source) {
    if (known) return known;
    throw new Error(`device ${options.name} has not joined: pass a join token from "jouleops device token"`);
  }
  const order = {
    name: options.name,
    source,
    // Its certificate ran out, but the name is still bound to its key.
    key: belongs ? known.key : await pendingKey(options.dataDirectory, deps.disk),
    ...(options.simulate === undefined ? {} : { deviceClassName: `${options.simulate}${simulatedSuffix}` }),
  };
  const identity = await joinUntilKept(order, options, deps, signal);
  deps.logger.info({ deviceUid: identity.deviceUid, apiServer: identity.apiServer.url }, 'joined');
  return identity;
}

/** Goes on asking; a refusal that asking again cannot change ends an agent that has nothing to serve. */
async function joinUntilKept(
  order: Parameters<typeof joinFleet>[0],
  options: AgentOptions,
  deps: ControlPlaneDeps,
  signal: AbortSignal,
): Promise<DeviceIdentity> {
  for (let attempt = 1; ; attempt++) {
    try {
      const identity = await joinFleet(order, signal);
      await keepIdentity(options, identity, deps.disk);
      return identity;
    } catch (error) {
      signal.throwIfAborted();
      const final = error instanceof JoinRefused && !error.retry;
      if (final && deps.desired.instances.length === 0) throw error;
      const seconds = final ? refusedRetrySeconds : retrySeconds(attempt, firstJoinRetrySeconds, maximumJoinRetrySeconds);
      deps.logger.warn({ err: error, retrySeconds: seconds }, 'not joined yet; what is on disk is served');
      await deps.clock.sleep(seconds * 1000, signal);
    }
  }
}

async function keepIdentity({ dataDirectory }: AgentOptions, identity: DeviceIdentity, disk: Disk): Promise<void> {
  await writeIdentity(dataDirectory, identity, disk);
  await forgetPendingKey(dataDirectory, disk);
}

function isOfAnotherController(options: AgentOptions, identity: DeviceIdentity): boolean {
  if (options.join?.kind !== 'JoinToken') return false;
  const authority = new X509Certificate(identity.join.certificateAuthority);
  return (
    createHash('sha256').update(authority.raw).digest('hex') !== decodeJoinToken(options.join.token).caFingerprint.toLowerCase()
  );
}
