// From bytes to answers: where artifacts come from, what loads them, what answers requests.
import { Artifacts } from '../artifacts/artifacts.ts';
import { IdentityOrigin } from '../artifacts/origin.ts';
import type { AgentMetrics } from '../metrics/agent-metrics.ts';
import type { AgentOptions } from '../options.ts';
import { InferenceService } from '../serving/inference-service.ts';
import type { ModelLoader } from '../serving/model-loader.ts';
import type { Routes } from '../serving/routes.ts';
import type { ServedModel } from '../serving/served-model.ts';
import { createLoader, type LoaderDeps } from './loader.ts';
import type { Measurement } from './measurement.ts';

export interface Serving {
  /** Where artifacts come from, once this device has joined. */
  origin: IdentityOrigin;
  artifacts: Artifacts;
  loader: ModelLoader;
  /** What every protocol asks. */
  service: InferenceService;
}

interface Deps extends LoaderDeps {
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
  const loader = createLoader(
    { clock, logger, store, board, measurement },
    {
      ...(options.upstreams === undefined ? {} : { upstreams: options.upstreams }),
      onLoaded: (served, seconds) => metrics.observeLoad(served, seconds),
    },
  );
  const service = new InferenceService({
    clock,
    routes,
    pace: (model, signal, deadline) => measurement.pace.turn(model.slot.revision, meanSeconds(model), signal, deadline),
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
