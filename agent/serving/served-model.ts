import type { Slot } from '../../crds/model-instance.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { EngineModel, InferenceRequest, InferenceResult } from '../inference/engine.ts';
import { InferenceError } from '../inference/errors.ts';
import type { LiveStatistics } from './live-statistics.ts';
import { ModelStatistics, type StatisticsRecord } from './model-statistics.ts';

export interface ModelAddress {
  namespace: string;
  deployment: string;
}

export interface InferenceObserver {
  /** After each inference that ran, with what it took. */
  onInference(model: ServedModel, result: InferenceResult): void;
  /** Told before a model is loaded, warmed up and held against its golden set; disposed when that is over. */
  onPreparation?(): Disposable;
}

/** A loaded model in its slot: counts what it does, and knows when the last request has left it. */
export class ServedModel {
  readonly address: ModelAddress;
  readonly slot: Slot;
  readonly statistics: ModelStatistics;
  /** While a traffic test watches it. */
  live: LiveStatistics | undefined;
  readonly #model: EngineModel;
  readonly #clock: Clock;
  readonly #observer: InferenceObserver;
  #inFlight = 0;
  /** Requests that were sent here and are held back before it. */
  #expected = 0;
  #idle = Promise.withResolvers<void>();

  constructor(
    address: ModelAddress,
    slot: Slot,
    model: EngineModel,
    deps: { clock: Clock; observer: InferenceObserver },
    before?: StatisticsRecord,
  ) {
    this.statistics = new ModelStatistics(before);
    this.address = address;
    this.slot = slot;
    this.#model = model;
    this.#clock = deps.clock;
    this.#observer = deps.observer;
  }

  get model(): EngineModel {
    return this.#model;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** A request is on its way here: until this is disposed, a drain waits for it as for those that are in it. */
  expect(): Disposable {
    this.#expected++;
    return {
      [Symbol.dispose]: () => {
        this.#expected--;
        this.#tellIdle();
      },
    };
  }

  /** @throws InferenceError */
  async infer(request: InferenceRequest): Promise<InferenceResult> {
    this.#inFlight++;
    const started = this.#clock.monotonic();
    try {
      const result = await this.#model.infer(request);
      this.statistics.recordSuccess((this.#clock.monotonic() - started) * 1000, result.modelMicroseconds);
      this.#observer.onInference(this, result);
      return result;
    } catch (error) {
      if (isModelsFault(error)) this.statistics.recordError();
      throw error;
    } finally {
      this.#inFlight--;
      this.#tellIdle();
    }
  }

  /** Waits for the requests that are in it, at most `seconds`, then ends it. Call it only when no route leads here any more. */
  async drainAndClose(seconds: number): Promise<void> {
    const enough = new AbortController();
    const limit = this.#clock.sleep(seconds * 1000, enough.signal).catch(() => {});
    while (this.#isAwaited()) {
      const left = await Promise.race([this.#idle.promise.then(() => true), limit.then(() => false)]);
      if (!left) break;
    }
    enough.abort();
    await this.#model.close();
  }

  #isAwaited(): boolean {
    return this.#inFlight + this.#expected > 0;
  }

  #tellIdle(): void {
    if (this.#isAwaited()) return;
    this.#idle.resolve();
    this.#idle = Promise.withResolvers();
  }
}

/** What a client did wrong, took back or sent too much of is no error of the model. */
export function isModelsFault(error: unknown): boolean {
  return !(error instanceof InferenceError) || error.kind === 'failed' || error.kind === 'deadline';
}
