// What loads models on this board: for an agent, and for measurements without a server.
import type { Logger } from 'pino';
import type { Slot } from '../../crds/model-instance.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { BlobStore } from '../artifacts/blob-store.ts';
import { createUpstreamEngine } from '../engines/upstream/upstream-engine.ts';
import type { UpstreamOptions } from '../engines/upstream/upstream-options.ts';
import type { Engine } from '../inference/engine.ts';
import { createOnnxRuntimeEngine } from '../inference/onnx-runtime-engine.ts';
import type { Deposits } from '../power/simulated/deposits.ts';
import { ModelLoader } from '../serving/model-loader.ts';
import type { ServedModel } from '../serving/served-model.ts';
import type { Board } from './board.ts';
import type { Measurement } from './measurement.ts';

export interface LoaderDeps {
  clock: Clock;
  logger: Logger;
  store: BlobStore;
  board: Board;
  measurement: Pick<Measurement, 'observer'>;
}

export function createLoader(
  { clock, logger, store, board, measurement }: LoaderDeps,
  options: { upstreams?: readonly UpstreamOptions[]; onLoaded?: (served: ServedModel, seconds: number) => void } = {},
): ModelLoader {
  const { deposits, memoryLimitBytes, runtimeVersion } = board;
  const { upstreams = [], onLoaded } = options;
  return new ModelLoader({
    clock,
    store,
    engines: createEngines({ clock, logger }, upstreams),
    observer: measurement.observer,
    memoryLimitBytes,
    runtime: `onnxruntime ${runtimeVersion}`,
    ...(onLoaded === undefined ? {} : { onLoaded }),
    ...(deposits === undefined ? {} : { beforeLoad: (slot, file) => readGraph(deposits, store, slot, file) }),
  });
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
