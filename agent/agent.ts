import path from 'node:path';
import type { Logger } from 'pino';
import { heartbeat } from '../crds/names.ts';
import type { Clock } from '../kube/runtime/clock.ts';
import { Artifacts } from './artifacts/artifacts.ts';
import { BlobStore } from './artifacts/blob-store.ts';
import { IdentityOrigin } from './artifacts/origin.ts';
import { DesiredState } from './assignment/desired-state.ts';
import { runBackground } from './background.ts';
import { classKeyOf } from './class-key.ts';
import type { ControlPlaneDeps } from './control-plane.ts';
import { createControlPlaneHooks } from './control-plane-hooks.ts';
import { startHttpServer } from './http/http-server.ts';
import { createSystemHandler } from './http/system-handler.ts';
import { createTelemetryHandler } from './http/telemetry-handler.ts';
import { installedRuntimeVersion } from './inference/installed-runtime.ts';
import { createOnnxRuntimeEngine } from './inference/onnx-runtime-engine.ts';
import { Instances } from './instances.ts';
import { DeviceTurn, LiveLoad } from './measurement/device-turn.ts';
import { EnergyBook } from './measurement/energy-book.ts';
import { IdleBaselines } from './measurement/idle-baseline.ts';
import { createAgentMetrics } from './metrics.ts';
import type { AgentOptions } from './options.ts';
import { detectSources } from './power/detect-sources.ts';
import { NodePower } from './power/node-power.ts';
import { Deposits } from './power/simulated/deposits.ts';
import { hiddenBoardOf } from './power/simulated/hidden-board.ts';
import { SimulatedBoard } from './power/simulated/simulated-board.ts';
import { ExternalSources } from './power/sources/external.ts';
import { createRestHandler } from './protocols/rest/rest-handler.ts';
import { DayTotals } from './record/day-totals.ts';
import { LearnedFile } from './record/learned-record.ts';
import { isActivationHeld } from './serving/hold.ts';
import { InferenceService } from './serving/inference-service.ts';
import { ModelLoader } from './serving/model-loader.ts';
import { Routes } from './serving/routes.ts';
import type { InferenceObserver, ServedModel } from './serving/served-model.ts';
import { readMachine } from './telemetry/machine.ts';
import { Telemetry } from './telemetry/telemetry.ts';

export interface Agent {
  url: string;
  controlPlane: ControlPlaneDeps;
  close(): Promise<void>;
}

const defaultStorageBytes = 8 * 1024 ** 3;
const defaultWindowSeconds = 10;
const maximumRequestBytes = 64 * 1024 * 1024;
const telemetrySeconds = 5;
const loopback = new Set(['127.0.0.1', '::1', 'localhost']);

/** Starts serving from disk; the control plane is the caller's to follow. */
export async function startAgent(
  options: AgentOptions,
  deps: { logger: Logger; clock: Clock },
  signal: AbortSignal,
): Promise<Agent> {
  const { clock, logger } = deps;
  const host = options.host ?? '127.0.0.1';
  refuseOpenAddress(host, options);
  const roots = { pathSysfs: options.pathSysfs ?? '/sys', pathProcfs: options.pathProcfs ?? '/proc' };
  const hidden = options.simulate === undefined ? undefined : hiddenBoardOf(options.simulate);
  const real = await readMachine(roots);
  const machine = hidden ? { ...real, boardModel: `${hidden.boardModel} (simulated)` } : real;
  const memoryLimitBytes = options.memoryLimitBytes ?? Math.floor(real.memoryBytes * 0.75);
  const storageBytes = options.storageLimitBytes ?? defaultStorageBytes;

  const desired = new DesiredState(options.dataDirectory);
  await desired.open();
  const learnedFile = new LearnedFile(options.dataDirectory);
  const learned = await learnedFile.read(logger);
  const days = new DayTotals(learned.days);
  const artifactDirectory = path.join(options.dataDirectory, 'artifacts');
  const store = new BlobStore({ directory: artifactDirectory, quotaBytes: storageBytes });
  await store.open();
  store.pinnedBy(() => desired.pinnedDigests());

  const board = hidden && new SimulatedBoard(hidden, { clock });
  const power = new NodePower(
    await detectSources({ pathSysfs: roots.pathSysfs, ...(board === undefined ? {} : { simulated: board }) }, signal),
    deps,
  );
  const telemetry = new Telemetry({ ...roots, artifactDirectory: store.directory, intervalSeconds: telemetrySeconds }, deps);
  await telemetry.refresh();

  const routes = new Routes();
  let cacheBytes: number | undefined;
  const metrics = createAgentMetrics({
    clock,
    days,
    power,
    routes,
    telemetry,
    cacheBytes: () => cacheBytes,
    mountpoint: store.directory,
  });
  const origin = new IdentityOrigin();
  const artifacts = new Artifacts({
    clock,
    logger,
    store,
    origin: origin.get,
    onBytes: (bytes) => metrics.countFetched(bytes),
    onVerifyFailure: () => metrics.countVerifyFailure(),
  });

  const live = new LiveLoad(clock);
  const turn = new DeviceTurn();
  let lastInference = Number.NEGATIVE_INFINITY;
  const deposits = board && new Deposits({ board, store, logger }, signal);
  const observer: InferenceObserver = {
    onInference: (model, result) => {
      lastInference = clock.monotonic();
      live.inferences++;
      deposits?.onInference(model, result);
    },
  };
  const runtimeVersion = installedRuntimeVersion();
  const loader = new ModelLoader({
    clock,
    store,
    engines: [createOnnxRuntimeEngine(deps)],
    observer,
    memoryLimitBytes,
    runtime: `onnxruntime ${runtimeVersion}`,
    onLoaded: (served, seconds) => metrics.observeLoad(served, seconds),
    ...(deposits === undefined
      ? {}
      : {
          beforeLoad: (slot, file) =>
            deposits.prepare(
              slot.digest,
              file,
              Object.fromEntries((slot.externalData ?? []).map((entry) => [entry.path, store.path(entry.digest)])),
            ),
        }),
  });
  const windowSeconds = options.windowSeconds ?? defaultWindowSeconds;
  const baselines = new IdleBaselines(
    {
      clock,
      lastInference: () => lastInference,
      temperature: () => telemetry.temperature,
      partSeconds: windowSeconds / 5,
    },
    learned.baselines,
  );
  const hooks = createControlPlaneHooks(clock, () => ({
    logger,
    desired,
    instances,
    onIdentity: (identity) => origin.use(identity),
    deviceView,
    resuming: () => instances.resuming || power.meters.some((meter) => !meter.asked && !meter.source.onDemand),
    keep,
  }));
  const book = new EnergyBook({ power, clock, deviceClassName: () => hooks.device()?.status?.deviceClassName });
  book.restore(learned.windows);

  const instances = new Instances(
    {
      clock,
      logger,
      desired,
      book,
      runner: {
        clock,
        logger,
        artifacts,
        loader,
        routes,
        recall: (uid, revision) => learned.revisions.find((known) => known.instanceUid === uid && known.revision === revision),
      },
      test: { clock, power, baselines, turn, live, windowSeconds },
      hold: () => isActivationHeld(desired.device, clock.now()),
      onChange: () => hooks.wake(),
    },
    signal,
  );
  const keep = async () => {
    const revisions = instances.records();
    try {
      await learnedFile.save({
        version: 1,
        baselines: baselines.records(),
        revisions,
        windows: book.records(new Set(revisions.map((record) => record.revision))),
        days: [...days.records()],
      });
    } catch (error) {
      // A full disk must not keep the device from saying that it is full.
      logger.warn({ err: error }, 'what was measured could not be kept on disk');
    }
  };
  const service = new InferenceService({
    clock,
    routes,
    counter: {
      countRequest: (request) => {
        live.record(request.seconds * 1000);
        metrics.countRequest(request);
      },
    },
  });
  const server = await startHttpServer(
    {
      host,
      port: options.port ?? 0,
      handlers: [
        createRestHandler({ routes, service, energyOf: (model) => windowEnergyOf(book, model), maximumRequestBytes }),
        createSystemHandler({ metrics, power, routes }),
        createTelemetryHandler(hidden ? undefined : new ExternalSources({ clock, onNew: (source) => power.add(source) })),
      ],
    },
    deps,
  );
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
      book,
      baselines,
      turn,
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
    machine,
    simulated: hidden !== undefined,
    classKey: classKeyOf(machine, runtimeVersion, hidden),
    executionProviders: ['cpu'],
    storageBytes,
    memoryLimitBytes,
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
    controlPlane: hooks.controlPlane,
    close: async () => {
      await instances.stopAll();
      await server.close();
      await origin.close();
      await background;
      await keep();
    },
  };
}

/** An open port on a network is somebody's decision, never a default. */
function refuseOpenAddress(host: string, options: AgentOptions): void {
  if (loopback.has(host) || options.insecureOpen) return;
  throw new Error(
    `${host} is not loopback, and requests there would need no authentication: serve on 127.0.0.1, or say --insecure-open`,
  );
}

/** What answers say of energy: the last completed window at the budget's boundary. */
function windowEnergyOf(book: EnergyBook, model: ServedModel) {
  const window = book.lastWindow(model.slot.revision, model.slot.budget?.boundary ?? 'Board');
  if (window?.joulesPerInference === undefined) return undefined;
  return {
    meanMillijoules: Number((window.joulesPerInference * 1000).toPrecision(3)),
    window: window.id,
    source: window.source,
    attribution: 'Exclusive' as const,
  };
}
