import type { RevisionStatus, Slot } from '../../crds/model-instance.ts';
import { parseQuantity } from '../../kube/meta/quantity.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { BlobStore } from '../artifacts/blob-store.ts';
import { formatBytes } from '../artifacts/format-bytes.ts';
import type { Engine, EngineModel } from '../inference/engine.ts';
import { ModelLoadError } from '../inference/errors.ts';
import type { RevisionRecord } from '../record/learned-record.ts';
import { type GoldenResult, type GoldenSample, neutralInputs, readGoldenSet, runGoldenSet } from './golden-set.ts';
import { recallGolden, runtimeKey } from './recall-golden.ts';
import { type InferenceObserver, type ModelAddress, ServedModel } from './served-model.ts';

export interface Loaded {
  served: ServedModel;
  samples: GoldenSample[];
  golden?: NonNullable<RevisionStatus['golden']>;
  /** What the golden result holds for; undefined when that cannot be told. */
  goldenRuntime?: string;
  loadMilliseconds: number;
  residentBytes?: number;
}

interface Deps {
  clock: Clock;
  store: BlobStore;
  engines: readonly Engine[];
  observer: InferenceObserver;
  memoryLimitBytes: number;
  /** Name and version of the built-in engine. */
  runtime: string;
  /** Told of each file before it is loaded. */
  beforeLoad?: (slot: Slot, file: string) => Promise<void>;
  onLoaded?: (served: ServedModel, seconds: number) => void;
}

const mebibyte = 1024 * 1024;
const warmUpRuns = 5;

/** Loads models within the device's memory, warms them up and runs their golden set. */
export class ModelLoader {
  readonly #deps: Deps;
  /** Resident bytes of each loaded model, or what it is expected to take while it loads. */
  readonly #taken = new Map<ServedModel | Slot, number>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  get takenBytes(): number {
    return [...this.#taken.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /**
   * @param before what this device knows of the revision from an earlier load.
   * @throws ModelLoadError, or GoldenSetFailure
   */
  async load(address: ModelAddress, slot: Slot, before: RevisionRecord | undefined, signal: AbortSignal): Promise<Loaded> {
    const { clock, store } = this.#deps;
    const name = `${address.namespace}/${address.deployment}@${slot.revision}`;
    const engine = this.#engineOf(slot);
    const expected = expectedBytes(slot);
    this.#admit(name, expected);
    this.#taken.set(slot, expected);
    using _ = this.#deps.observer.onPreparation?.();
    const started = clock.monotonic();
    let model: EngineModel | undefined;
    try {
      const file = await store.view(slot.digest, slot.externalData ?? []);
      await this.#deps.beforeLoad?.(slot, file);
      model = await engine.load(
        {
          name,
          file,
          digest: slot.digest,
          beside: (slot.externalData ?? []).map((external) => external.path),
          modelName: slot.modelVersionName,
          modelVersion: slot.modelVersion,
          threads: slot.runtime?.threads ?? 1,
          executionProviders: slot.runtime?.executionProviders ?? ['cpu'],
          memoryBytes: expected * 2 + 128 * mebibyte,
          ...(slot.runtime?.upstreamName === undefined ? {} : { upstreamName: slot.runtime.upstreamName }),
        },
        signal,
      );
      await warmUp(model, signal);
      const samples = slot.goldenSet ? await readGoldenSet(store.path(slot.goldenSet.digest), store.disk) : [];
      const runtime = engine.kind === 'OnnxRuntime' ? this.#deps.runtime : undefined;
      const known = recallGolden(before, slot, runtime);
      const golden = known ?? (slot.goldenSet ? await this.#gate(model, slot, samples, signal) : undefined);
      const residentBytes = await model.residentBytes();
      signal.throwIfAborted(); // nobody is there any more who would unload it
      const served = new ServedModel(address, slot, model, this.#deps, before?.statistics);
      this.#taken.set(served, residentBytes ?? expected);
      const loadMilliseconds = Math.round(clock.monotonic() - started);
      this.#deps.onLoaded?.(served, loadMilliseconds / 1000);
      return {
        served,
        samples,
        loadMilliseconds,
        ...(golden === undefined ? {} : { golden }),
        ...(golden === undefined || runtime === undefined ? {} : { goldenRuntime: runtimeKey(runtime, slot) }),
        ...(residentBytes === undefined ? {} : { residentBytes }),
      };
    } catch (error) {
      await model?.close();
      throw error;
    } finally {
      this.#taken.delete(slot);
    }
  }

  async unload(served: ServedModel, drainSeconds: number): Promise<void> {
    try {
      await served.drainAndClose(drainSeconds);
    } finally {
      this.#taken.delete(served);
    }
  }

  #engineOf(slot: Slot): Engine {
    const kind = slot.runtime?.engine ?? 'OnnxRuntime';
    const engine = this.#deps.engines.find((candidate) => candidate.kind === kind);
    if (engine) return engine;
    throw new ModelLoadError(
      'LoadFailed',
      `this device has no engine ${kind}: start its agent with --upstream NAME=URL, or use OnnxRuntime`,
    );
  }

  #admit(name: string, bytes: number): void {
    const { memoryLimitBytes } = this.#deps;
    if (this.takenBytes + bytes <= memoryLimitBytes) return;
    throw new ModelLoadError(
      'InsufficientMemory',
      `model ${name} needs about ${formatBytes(bytes)}; models here may take ${formatBytes(memoryLimitBytes)} and have ${formatBytes(this.takenBytes)}: use strategy Recreate, a smaller variant, or a larger --memory-limit of its agent`,
    );
  }

  async #gate(
    model: EngineModel,
    slot: Slot,
    samples: GoldenSample[],
    signal: AbortSignal,
  ): Promise<GoldenResult & { time: string }> {
    const result = await runGoldenSet(model, slot, samples, signal);
    const time = new Date(this.#deps.clock.now()).toISOString();
    if (!result.passed) throw new GoldenSetFailure(slot, result, time);
    return { ...result, time };
  }
}

export class GoldenSetFailure extends Error {
  readonly reason = 'GoldenSetFailed';
  readonly result: GoldenResult;
  readonly time: string;

  constructor(slot: Slot, result: GoldenResult, time: string) {
    super(
      `${slot.modelVersionName} (${slot.variant}) reaches ${result.permille} ‰ ${result.metric.toLowerCase()} on ${result.samples} golden samples on this device; ${slot.goldenSet?.minimumPermille} ‰ are required`,
    );
    this.name = 'GoldenSetFailure';
    this.result = result;
    this.time = time;
  }
}

/** What a model takes while it serves: from its analysis, else guessed from its size. */
function expectedBytes(slot: Slot): number {
  if (slot.peakMemory !== undefined) return parseQuantity(slot.peakMemory);
  return 3 * parseQuantity(slot.size) + 64 * mebibyte;
}

/** The first runs allocate and pack. A model that takes no zeros is not refused for that: its first real request warms it. */
async function warmUp(model: EngineModel, signal: AbortSignal): Promise<void> {
  const inputs = neutralInputs(model.inputs);
  for (let run = 0; run < warmUpRuns; run++) {
    signal.throwIfAborted();
    try {
      await model.infer({ inputs, outputs: [] });
    } catch (error) {
      if (model.ready) return;
      throw new ModelLoadError('LoadFailed', `the model's process ended at its first request: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}
