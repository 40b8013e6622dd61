// Puts the controller together: servers, caches, reconcilers, and what wakes which.
import { mkdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import { heartbeat } from '../crds/names.ts';
import { productVersion } from '../crds/product-version.ts';
import { deviceClasses } from '../crds/resources.ts';
import type { Client } from '../kube/api/client.ts';
import { listAll } from '../kube/cache/list-pager.ts';
import { fenceWrites } from '../kube/election/fenced-client.ts';
import { runWithLeadership } from '../kube/election/leader-election.ts';
import type { Clock } from '../kube/runtime/clock.ts';
import { createEventRecorder } from '../kube/runtime/event-recorder.ts';
import type { Metrics } from '../kube/runtime/metrics.ts';
import { type Runnable, runGroups } from '../kube/runtime/runnables.ts';
import { createCaches } from './caches.ts';
import { createControllers } from './controllers.ts';
import { shipClasses } from './device-class/ship.ts';
import { readShippedClasses } from './device-class/shipped.ts';
import { LivenessTracker } from './edge-device/liveness.ts';
import { createHookReceiver } from './fleet/webhook.ts';
import { createControllerMetrics } from './metrics.ts';
import { type ControllerOptions, completeOptions } from './options.ts';
import { openDevicePort } from './start/device-port.ts';
import { openModels } from './start/models.ts';
import { startWeb } from './web/server.ts';

export interface ControllerDeps {
  client: Client;
  clock: Clock;
  logger: Logger;
}

export interface RunningController {
  webUrl: string;
  devicePortUrl: string;
  /** A token that a device joins with. */
  mintJoinToken(request: { validSeconds: number }): Promise<string>;
  /** Settles when everything has stopped; rejects when a part failed. */
  stopped: Promise<void>;
}

/** Starts the controller: its servers answer when this resolves; `signal` stops it. @throws Error that says what to do. */
export async function runController(
  given: ControllerOptions,
  deps: ControllerDeps,
  signal: AbortSignal,
): Promise<RunningController> {
  const options = completeOptions(given);
  const { client, clock, logger } = deps;
  await makeWritable(options.dataDirectory);
  const metrics = createControllerMetrics(productVersion);
  const caches = createCaches({ ...deps, metrics: metrics.runtime });
  metrics.observe(caches);

  const models = await openModels(options, caches);
  const devicePort = await openDevicePort(options, { ...deps, artifacts: models.artifacts }, signal);

  const liveness = new LivenessTracker(clock, options.lostSeconds ?? heartbeat.lostSeconds);
  const events = createEventRecorder(deps, { controller: 'jouleops.dev/controller', instance: options.identity });
  const predictorsLoaded = Promise.withResolvers<void>();
  const leadership: Leadership = { mayWrite: () => !options.leaderElection };
  const leaderClient = fenceWrites(client, () => leadership.mayWrite());
  const controllers = createControllers(
    { ...deps, ...models, client: leaderClient, caches, metrics, events, liveness },
    options,
    predictorsLoaded.promise,
  );
  const synced = () => Object.values(caches).every((reflector) => reflector.store.synced);
  const stores = controllers.sources;
  const receiveHook = createHookReceiver({
    client,
    clock,
    repositories: caches.repositories.store,
    allowPaths: options.fleet.allowPaths,
  });
  const web = await startWeb(
    {
      registry: metrics.registry,
      sources: { client, stores },
      receiveHook,
      ready: synced,
      logger: logger.child({ server: 'web' }),
    },
    options.web,
  ).catch(async (error: unknown) => {
    await devicePort.close();
    throw error;
  });

  const lead: Runnable[] = [
    {
      name: 'shipped classes',
      run: async (running) => {
        await shipClasses(leaderClient, await readShippedClasses(options.predictorDirectory), running);
        const { items } = await listAll(client, deviceClasses, { signal: running });
        for (const item of items) await models.library.load(item, running);
        predictorsLoaded.resolve();
      },
    },
    ...controllers.runnables,
  ];
  const running = runGroups(
    { clock, logger },
    {
      servers: [{ name: 'device port', run: (running) => devicePort.run(running) }],
      caches: Object.entries(caches).map(([name, reflector]) => ({
        name,
        ready: reflector.synced,
        run: (running: AbortSignal) => reflector.run(running),
      })),
      leader: options.leaderElection ? [elected({ ...deps, metrics: metrics.runtime }, options, leadership, lead)] : lead,
    },
    signal,
  );
  const closed = async () => {
    await Promise.allSettled([web.close(), devicePort.close(), events.close(), models.close()]);
  };
  const stopped = running.then(closed, async (error: unknown) => {
    await closed();
    throw error;
  });
  logger.info({ web: web.url, devicePort: devicePort.url }, 'the controller answers');
  return {
    webUrl: web.url,
    devicePortUrl: devicePort.url,
    mintJoinToken: devicePort.mintJoinToken,
    stopped,
  };
}

/** What a reconciler's write asks at the last moment. */
interface Leadership {
  mayWrite: () => boolean;
}

/** Followers keep their caches warm; only the leader runs these. */
function elected(
  deps: ControllerDeps & { metrics: Metrics },
  options: { systemNamespace: string; identity: string },
  leadership: Leadership,
  lead: Runnable[],
): Runnable {
  return {
    name: 'leader election',
    run: (signal) =>
      runWithLeadership(
        deps,
        { namespace: options.systemNamespace, name: 'jouleops-controller', identity: options.identity },
        (leading, mayWrite) => {
          leadership.mayWrite = mayWrite;
          return runGroups(deps, { leader: lead }, leading);
        },
        signal,
      ),
  };
}

async function makeWritable(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new Error(`the data directory ${directory} cannot be written: choose another, or make it writable`, { cause: error });
  }
}
