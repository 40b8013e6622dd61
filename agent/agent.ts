// The agent, put together: each part of it is made in start/, this file says how they know each other.
import type { Logger } from 'pino';
import { heartbeat } from '../crds/names.ts';
import type { Clock } from '../kube/runtime/clock.ts';
import { runBackground } from './background.ts';
import type { ControlPlaneDeps } from './control-plane.ts';
import { createControlPlaneHooks } from './control-plane-hooks.ts';
import type { Disk } from './disk/disk.ts';
import { Instances } from './instances.ts';
import { createAgentMetrics } from './metrics/agent-metrics.ts';
import type { AgentOptions } from './options.ts';
import { isActivationHeld } from './serving/hold.ts';
import { Routes } from './serving/routes.ts';
import { prepareAccess } from './start/access.ts';
import { openBoard } from './start/board.ts';
import { createCompatibility } from './start/compatibility.ts';
import { openGrpc, openHttp } from './start/http.ts';
import { createMeasurement } from './start/measurement.ts';
import { createServing } from './start/serving.ts';
import { openState } from './start/state.ts';

export interface Agent {
  url: string;
  /** `host:port`, where gRPC is served. */
  grpc?: string;
  /** SHA-256 of the certificate, where the ports speak TLS. */
  fingerprint?: string;
  controlPlane: ControlPlaneDeps;
  close(): Promise<void>;
}

/** Starts serving from disk; the control plane is the caller's to follow. */
export async function startAgent(
  options: AgentOptions,
  deps: { logger: Logger; clock: Clock; disk: Disk },
  signal: AbortSignal,
): Promise<Agent> {
  const { clock, logger, disk } = deps;
  const access = await prepareAccess(options, deps);
  const state = await openState(options, deps);
  const { desired, store, learned, learnedFile, days } = state;
  const board = await openBoard(options, { ...deps, store }, signal);
  const { power, telemetry } = board;
  const routes = new Routes();
  let cacheBytes: number | undefined;
  let joinedTo: string | undefined;
  const metrics = createAgentMetrics({
    clock,
    days,
    power,
    routes,
    telemetry,
    cacheBytes: () => cacheBytes,
    mountpoint: store.directory,
  });
  const hooks = createControlPlaneHooks(clock, () => ({
    logger,
    desired,
    disk,
    instances,
    onIdentity: (identity) => {
      joinedTo = identity.apiServer.url;
      serving.origin.use(identity);
    },
    deviceView,
    resuming: () => instances.resuming || power.meters.some((meter) => !meter.asked && !meter.source.onDemand),
    keep,
  }));
  const measurement = createMeasurement(options, {
    clock,
    board,
    learned,
    deviceClassName: () => hooks.device()?.status?.deviceClassName,
  });
  const { baselines, turn, live, book, ledger, judge, pace, throttleNote, windowSeconds } = measurement;
  const serving = createServing(options, { ...deps, store, board, measurement, metrics, routes });
  const { artifacts, loader } = serving;
  const recall = (uid: string, revision: string) =>
    learned.revisions.find((known) => known.instanceUid === uid && known.revision === revision);
  const instances = new Instances(
    {
      clock,
      logger,
      desired,
      book,
      judge,
      pace,
      throttleNote,
      runner: { clock, logger, artifacts, loader, routes, recall },
      test: { clock, power, baselines, turn, live, windowSeconds, throttled: () => telemetry.sample.throttled },
      hold: () => isActivationHeld(desired.device, clock.now()),
      onChange: () => hooks.wake(),
    },
    signal,
  );
  const keep = async () => {
    for (const memory of [book, ledger, pace]) memory.keepOnly(desired.revisions());
    const revisions = instances.records();
    const names = new Set(revisions.map((record) => record.revision));
    try {
      await learnedFile.save({
        version: 1,
        baselines: baselines.records(),
        revisions,
        windows: book.records(names),
        days: [...days.records()],
        power: ledger.records(names, clock.now()),
      });
    } catch (error) {
      // A full disk must not keep the device from saying that it is full.
      logger.warn({ err: error }, 'what was measured could not be kept on disk');
    }
  };
  const compatibility = createCompatibility(
    options,
    { clock, state, board, routes, serving, instances, joinedTo: () => joinedTo },
    signal,
  );
  const doors = { ...deps, board, book, metrics, routes, serving, compatibility, access };
  const server = await openHttp(options, doors);
  const grpc = await openGrpc(options, doors);
  const url = options.advertisedUrl ?? server.url;
  instances.resume();

  // As long as the controller waits before it calls a device lost, scaled with the heartbeat.
  const heartbeats = (options.heartbeatSeconds ?? heartbeat.renewSeconds) / heartbeat.renewSeconds;
  const lostMilliseconds = heartbeats * heartbeat.lostSeconds * 1000;
  const background = runBackground(
    {
      clock,
      logger,
      store,
      desired,
      instances,
      ledger,
      judge,
      pace,
      book,
      baselines,
      turn,
      live,
      power,
      telemetry,
      routes,
      metrics,
      days,
      keep,
      online: () => hooks.reachedWithin(lostMilliseconds),
      onCacheBytes: (bytes) => {
        cacheBytes = bytes;
      },
      onChange: () => hooks.wake(),
    },
    windowSeconds,
    signal,
  ).catch((error: unknown) => {
    if (!signal.aborted) logger.error({ err: error }, 'the background of the agent ended');
  });

  const deviceView = async () => ({
    url,
    machine: board.machine,
    simulated: board.simulated,
    classKey: board.classKey,
    executionProviders: ['cpu', ...(options.upstreams ?? []).map(({ name }) => `upstream:${name}`.slice(0, 64))].slice(0, 8),
    storageBytes: state.storageBytes,
    memoryLimitBytes: board.memoryLimitBytes,
    meters: power.meters,
    baselines: power.meters.flatMap((meter) => {
      const baseline = baselines.last(meter);
      return baseline ? [{ meter, baseline }] : [];
    }),
    cachedDigests: (await store.list()).map((blob) => blob.digest),
    health: telemetry.health,
  });

  return {
    url,
    ...(grpc === undefined ? {} : { grpc: grpc.address }),
    ...(access.tls === undefined ? {} : { fingerprint: access.tls.fingerprint }),
    controlPlane: hooks.controlPlane,
    close: async () => {
      await instances.stopAll();
      await Promise.all([server.close(), grpc?.close()]);
      await serving.origin.close();
      await background;
      await keep();
    },
  };
}
