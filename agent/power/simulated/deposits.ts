// Gives each inference on a simulated board the energy that its graph would cost there.
import type { Logger } from 'pino';
import type { GraphFeatures, LayerCost } from '../../../energy/graph/analysis.ts';
import { analyzeGraph } from '../../../energy/graph/extract/analyze.ts';
import type { BlobStore } from '../../artifacts/blob-store.ts';
import type { InferenceResult } from '../../inference/engine.ts';
import type { InferenceObserver, ServedModel } from '../../serving/served-model.ts';
import type { SimulatedBoard } from './simulated-board.ts';

interface Deps {
  board: SimulatedBoard;
  store: BlobStore;
  logger: Logger;
}

export class Deposits implements InferenceObserver {
  readonly #deps: Deps;
  readonly #signal: AbortSignal;
  readonly #graphs = new Map<string, { features: GraphFeatures; layers: readonly LayerCost[] }>();
  readonly #asked = new Map<string, Promise<void>>();
  /** Inferences that ran before the graph was read: paid as soon as it is. */
  readonly #owed = new Map<string, number[]>();

  constructor(deps: Deps, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
  }

  /** Reads the graph before the model is used, so that no inference is free. */
  async prepare(digest: string, file: string, externalData: Record<string, string>): Promise<void> {
    if (this.#graphs.has(digest)) return;
    const reading = this.#asked.get(digest) ?? this.#read(digest, file, externalData);
    this.#asked.set(digest, reading);
    await reading;
  }

  onInference(model: ServedModel, result: InferenceResult): void {
    const { digest } = model.slot;
    // In a calibration's loop, what a busy machine adds on the way to the model is no pause of the client's.
    const onTheWay = this.#deps.board.needsLayers ? result.queueMicroseconds + result.transferMicroseconds : 0;
    const seconds = (result.modelMicroseconds + onTheWay) / 1e6;
    const graph = this.#graphs.get(digest);
    if (graph) {
      this.#deps.board.deposit(graph.features, seconds, graph.layers);
      return;
    }
    const owed = this.#owed.get(digest) ?? [];
    if (owed.length < 100_000) owed.push(seconds);
    this.#owed.set(digest, owed);
  }

  async #read(digest: string, file: string, externalData: Record<string, string>): Promise<void> {
    try {
      const layersToo = this.#deps.board.needsLayers;
      const { features, layers = [] } = await analyzeGraph(file, { signal: this.#signal, externalData, layers: layersToo });
      this.#graphs.set(digest, { features, layers });
      for (const seconds of this.#owed.get(digest) ?? []) this.#deps.board.deposit(features, seconds, layers);
      this.#owed.delete(digest);
    } catch (error) {
      if (this.#signal.aborted) return;
      this.#deps.logger.error(
        { err: error, digest },
        'the graph of a model could not be read: this simulated board shows no energy for it',
      );
    }
  }
}
