// From bytes to answers: where artifacts come from, what loads them, what answers requests.
import type { Logger } from 'pino';
import type { Slot } from '../../crds/model-instance.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import { Artifacts } from '../artifacts/artifacts.ts';
import type { BlobStore } from '../artifacts/blob-store.ts';
import { IdentityOrigin } from '../artifacts/origin.ts';
import { createUpstreamEngine } from '../engines/upstream/upstream-engine.ts';
import type { UpstreamOptions } from '../engines/upstream/upstream-options.ts';
import type { Engine } from '../inference/engine.ts';
import { createOnnxRuntimeEngine } from '../inference/onnx-runtime-engine.ts';
import type { AgentMetrics } from '../metrics.ts';
import type { AgentOptions } from '../options.ts';
import type { Deposits } from '../power/simulated/deposits.ts';
import { InferenceService } from '../serving/inference-service.ts';
import { ModelLoader } from '../serving/model-loader.ts';
import type { Routes } from '../serving/routes.ts';
import type { ServedModel } from '../serving/served-model.ts';
import type { Board } from './board.ts';
import type { Measurement } from './measurement.ts';

export interface Serving {
  /** Where artifacts come from, once this device has joined. */
  origin: IdentityOrigin;
  artifacts: Artifacts;
  loader: ModelLoader;
  /** What every protocol asks. */
  service: InferenceService;
}

interface Deps {
  clock: Clock;
  logger: Logger;
  store: BlobStore;
  board: Board;
  measurement: Measurement;
  metrics: AgentMetrics;
  routes: Routes;
}

export function createServing(
  options: Pick<AgentOptions, 'upstreams'>,
  { clock, logger, store, board, measurement, metrics, routes }: Deps,
): Serving {
  const origin = new IdentityOrigin();
  const artifacts = new Artifacts({
    clock,
    logger,
    store,
    origin: origin.get,
    onBytes: (bytes) => metrics.countFetched(bytes),
    onVerifyFailure: () => metrics.countVerifyFailure(),
  });
  const { deposits } = board;
  const loader = new ModelLoader({
    clock,
    store,
    engines: createEngines({ clock, logger }, options.upstreams ?? []),
    observer: measurement.observer,
    memoryLimitBytes: board.memoryLimitBytes,
    runtime: `onnxruntime ${board.runtimeVersion}`,
    onLoaded: (served, seconds) => metrics.observeLoad(served, seconds),
    ...(deposits === undefined ? {} : { beforeLoad: (slot, file) => readGraph(deposits, store, slot, file) }),
  });
  const service = new InferenceService({
    clock,
    routes,
    pace: (model, signal) => measurement.pace.turn(model.slot.revision, meanSeconds(model), signal),
    counter: {
      countRequest: (request) => {
        measurement.live.record(request.seconds * 1000);
        metrics.countRequest(request);
      },
    },
  });
  return { origin, artifacts, loader, service };
}

/** What one inference of a model is expected to take. */
function meanSeconds({ statistics }: ServedModel): number {
  return statistics.inferences === 0 ? 0 : statistics.modelSeconds / statistics.inferences;
}

function createEngines(deps: { clock: Clock; logger: Logger }, upstreams: readonly UpstreamOptions[]): readonly Engine[] {
  const own = createOnnxRuntimeEngine(deps);
  return upstreams.length === 0 ? [own] : [own, createUpstreamEngine(upstreams, deps)];
}

/** A simulated board knows what a model costs before its first inference. */
function readGraph(deposits: Deposits, store: BlobStore, slot: Slot, file: string): Promise<void> {
  const external = (slot.externalData ?? []).map((entry) => [entry.path, store.path(entry.digest)] as const);
  return deposits.prepare(slot.digest, file, Object.fromEntries(external));
}
