// Puts the controller together: servers, caches, reconcilers, and what wakes which.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from 'pino';
import type { JoinResponse } from '../crds/join.ts';
import { heartbeat } from '../crds/names.ts';
import { productVersion } from '../crds/product-version.ts';
import { deviceClasses } from '../crds/resources.ts';
import { extractorVersion } from '../energy/graph/extract/protocol.ts';
import type { Client } from '../kube/api/client.ts';
import { listAll } from '../kube/cache/list-pager.ts';
import type { Clock } from '../kube/runtime/clock.ts';
import { createEventRecorder } from '../kube/runtime/event-recorder.ts';
import { fenceWrites } from '../kube/runtime/fenced-client.ts';
import { runWithLeadership } from '../kube/runtime/leader-election.ts';
import { type Runnable, runGroups } from '../kube/runtime/runnables.ts';
import { createHttpsOrigin } from './artifacts/https-origin.ts';
import { createOciOrigin } from './artifacts/oci-origin.ts';
import { ArtifactStore } from './artifacts/store.ts';
import { createStoreOrigin } from './artifacts/store-origin.ts';
import { type Caches, createCaches } from './caches.ts';
import { createControllers } from './controllers.ts';
import { PredictorLibrary } from './device-class/predictor-library.ts';
import { ensureSimulatedClass, shipClasses } from './device-class/ship.ts';
import { readShippedClasses } from './device-class/shipped.ts';
import { loadCertificateAuthority } from './device-port/certificate-authority.ts';
import { readClientAuthority } from './device-port/client-authority.ts';
import { join } from './device-port/join.ts';
import { mintJoinToken } from './device-port/join-tokens.ts';
import { publishDevicePort } from './device-port/publication.ts';
import { startDevicePort } from './device-port/server.ts';
import { LivenessTracker } from './edge-device/liveness.ts';
import { Estimator } from './estimate/estimator.ts';
import { createHookReceiver } from './fleet/webhook.ts';
import { createControllerMetrics } from './metrics.ts';
import { artifactsOf } from './model-version/acquire.ts';
import { AnalysisStore } from './model-version/analysis-store.ts';
import { type ControllerOptions, completeOptions } from './options.ts';
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

  const artifacts = await ArtifactStore.open({
    directory: path.join(options.dataDirectory, 'artifacts'),
    quotaBytes: options.artifacts.quotaBytes,
    referenced: () => referencedDigests(caches),
  });
  const analyses = await AnalysisStore.open(path.join(options.dataDirectory, 'analyses'), extractorVersion);
  const https = createHttpsOrigin(options.artifacts);
  const origins = [createStoreOrigin(options.modelStoreDirectory), https, createOciOrigin(https)];
  const library = new PredictorLibrary({ predictorDirectory: options.predictorDirectory, artifacts, origins });
  const estimator = new Estimator({
    analysisOf: (subject) => analyses.analysisOf(subject),
    predictorsOf: (className) => {
      const own = library.of(className);
      const base = caches.classes.store.get(className)?.spec.simulatedFrom;
      return own.length > 0 || base === undefined ? own : library.of(base);
    },
    classOf: (className) => caches.classes.store.get(className),
  });

  const authority = await loadCertificateAuthority(deps, options.systemNamespace, signal);
  let devicePortUrl = '';
  const port = await startDevicePort(
    {
      clock,
      logger: logger.child({ server: 'device-port' }),
      artifacts,
      authority,
      clientAuthority: (reading) => readClientAuthority(client, reading),
      join: (body, caller, joining) =>
        join(
          { client, clock, logger },
          {
            systemNamespace: options.systemNamespace,
            apiServer: () => readApiServer(options),
            artifacts: (): JoinResponse['artifacts'] => ({ url: devicePortUrl, certificateAuthority: authority.certificate }),
            ensureSimulatedClass: (className, ensuring) => ensureSimulatedClass(client, className, ensuring),
          },
          body,
          caller,
          joining,
        ),
    },
    options.devicePort,
    signal,
  );
  devicePortUrl = options.devicePort.advertisedUrl ?? `https://${bracketed(options.devicePort.host)}:${port.port}`;
  await publishDevicePort(
    client,
    [options.systemNamespace, ...(options.agentsNamespace === undefined ? [] : [options.agentsNamespace])],
    { url: devicePortUrl, certificateAuthority: authority.certificate, caFingerprint: authority.fingerprint },
    signal,
  ).catch(async (error: unknown) => {
    await port.close();
    throw error;
  });

  const liveness = new LivenessTracker(clock, options.lostSeconds ?? heartbeat.lostSeconds);
  const events = createEventRecorder(deps, { controller: 'jouleops.dev/controller', instance: options.identity });
  const predictorsLoaded = Promise.withResolvers<void>();
  const leadership: Leadership = { mayWrite: () => !options.leaderElection };
  const leaderClient = fenceWrites(client, () => leadership.mayWrite());
  const controllers = createControllers(
    { ...deps, client: leaderClient, caches, metrics, events, liveness, artifacts, analyses, origins, library, estimator },
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
    await port.close();
    throw error;
  });

  const lead: Runnable[] = [
    {
      name: 'shipped classes',
      run: async (running) => {
        await shipClasses(leaderClient, await readShippedClasses(options.predictorDirectory), running);
        const { items } = await listAll(client, deviceClasses, { signal: running });
        for (const item of items) await library.load(item, running);
        predictorsLoaded.resolve();
      },
    },
    ...controllers.runnables,
  ];
  const running = runGroups(
    { clock, logger },
    {
      servers: [{ name: 'device port', run: (running) => port.run(running) }],
      caches: Object.entries(caches).map(([name, reflector]) => ({
        name,
        ready: reflector.synced,
        run: (running: AbortSignal) => reflector.run(running),
      })),
      leader: options.leaderElection ? [elected(deps, options, leadership, lead)] : lead,
    },
    signal,
  );
  const closed = async () => {
    await Promise.allSettled([web.close(), port.close(), events.close(), https.close()]);
  };
  const stopped = running.then(closed, async (error: unknown) => {
    await closed();
    throw error;
  });
  logger.info({ web: web.url, devicePort: devicePortUrl }, 'the controller answers');
  return {
    webUrl: web.url,
    devicePortUrl,
    mintJoinToken: ({ validSeconds }) =>
      mintJoinToken(
        { client, clock },
        { namespace: options.systemNamespace, url: devicePortUrl, caFingerprint: authority.fingerprint, validSeconds },
        signal,
      ),
    stopped,
  };
}

/** What a reconciler's write asks at the last moment. */
interface Leadership {
  mayWrite: () => boolean;
}

/** Followers keep their caches warm; only the leader runs these. */
function elected(
  deps: ControllerDeps,
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

/** What some ModelVersion or DeviceClass still names must not be evicted. */
function referencedDigests(caches: Caches): Set<string> {
  const digests = new Set<string>();
  for (const version of caches.versions.store.list())
    for (const { reference } of artifactsOf(version)) digests.add(reference.digest);
  for (const deviceClass of caches.classes.store.list())
    for (const { digest } of deviceClass.spec.predictors ?? []) digests.add(digest);
  return digests;
}

/** As a device that joins now must know it. */
async function readApiServer({ apiServer }: Pick<ControllerOptions, 'apiServer'>): Promise<JoinResponse['apiServer']> {
  const { url, certificateAuthority, readCertificateAuthority } = apiServer;
  return { url, certificateAuthority: (await readCertificateAuthority?.()) ?? certificateAuthority };
}

async function makeWritable(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new Error(`the data directory ${directory} cannot be written: choose another, or make it writable`, { cause: error });
  }
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
