// The core behind every protocol: from a model's name and tensors to an answer, with shares, shadows and counts.
import type { Clock } from '../../kube/runtime/clock.ts';
import type { Tensor } from '../inference/datatypes.ts';
import type { InferenceResult } from '../inference/engine.ts';
import { InferenceError } from '../inference/errors.ts';
import { agrees, topClass } from './golden-set.ts';
import type { Routes } from './routes.ts';
import { isModelsFault, type ServedModel } from './served-model.ts';

export type Protocol = 'http' | 'grpc';

export interface ServiceRequest {
  name: string;
  version?: string;
  inputs: readonly Tensor[];
  outputs: readonly string[];
  timeoutMicroseconds?: number;
  protocol: Protocol;
  signal?: AbortSignal;
}

export interface ServiceAnswer extends InferenceResult {
  model: ServedModel;
  name: string;
  latencyMicroseconds: number;
}

export interface RequestCounter {
  /** @param request.result of a request that was answered */
  countRequest(request: {
    model: ServedModel | undefined;
    protocol: Protocol;
    code: string;
    seconds: number;
    result?: InferenceResult;
  }): void;
}

interface Deps {
  clock: Clock;
  routes: Routes;
  counter: RequestCounter;
  /** While the device runs a controlled loop or is throttled, requests may be delayed. */
  pace?: (model: ServedModel, signal: AbortSignal | undefined, deadline: number) => Promise<void>;
}

/** A request without a timeout waits this long for a model that is being started again. */
const defaultTimeoutSeconds = 60;
/** Some clients write the largest integer where they mean no limit. A timer of more than 24.8 days would fire at once. */
const maximumTimeoutSeconds = 86_400;

export class InferenceService {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** @throws InferenceError */
  async infer(request: ServiceRequest): Promise<ServiceAnswer> {
    const { clock, routes, counter } = this.#deps;
    const arrived = clock.monotonic();
    let model: ServedModel | undefined;
    let active: ServedModel | undefined;
    const count = (code: string, result?: InferenceResult) =>
      counter.countRequest({
        model,
        protocol: request.protocol,
        code,
        seconds: (clock.monotonic() - arrived) / 1000,
        ...(result === undefined ? {} : { result }),
      });
    try {
      const resolved = routes.resolve(request.name, request.version);
      model = resolved.model;
      active = resolved.route.active;
      checkOutputs(model, request.outputs);
      using _ = model.expect(); // a swap while it is held back drops it as little as one while it runs
      const timeoutMicroseconds = request.timeoutMicroseconds ?? defaultTimeoutSeconds * 1e6;
      const deadline = arrived + Math.min(timeoutMicroseconds, maximumTimeoutSeconds * 1e6) / 1000;
      await this.#deps.pace?.(model, request.signal, deadline);
      const result = await model.infer({
        inputs: request.inputs,
        outputs: request.outputs,
        deadline,
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      });
      model.live?.recordSuccess(clock.monotonic() - arrived);
      if (resolved.shadow) this.#mirror(resolved.shadow, resolved.shadow, request, result.outputs);
      else if (model.live?.compareAnswers && active && active !== model) this.#mirror(active, model, request, result.outputs);
      count('ok', result);
      return { ...result, model, name: request.name, latencyMicroseconds: (clock.monotonic() - arrived) * 1000 };
    } catch (error) {
      if (isModelsFault(error)) model?.live?.recordError();
      else if (model && active && active !== model && request.version === undefined && refuses(error))
        this.#askWhetherFit(active, model, request);
      count(error instanceof InferenceError ? error.kind : 'failed');
      throw error;
    }
  }

  /** Asks a second model the same, when it has nothing else to do, and compares. A shadow's own requests are counted as the candidate's. */
  #mirror(other: ServedModel, candidate: ServedModel, request: ServiceRequest, answer: readonly Tensor[]): void {
    if (other.inFlight > 0) return;
    const { clock } = this.#deps;
    const begun = clock.monotonic();
    const shadow = other === candidate ? candidate.live : undefined;
    other.infer({ inputs: request.inputs, outputs: request.outputs }).then(
      ({ outputs }) => {
        shadow?.recordSuccess(clock.monotonic() - begun);
        const labelled = candidate.slot.classLabels !== undefined;
        candidate.live?.recordComparison(labelled ? topClass(outputs) === topClass(answer) : agrees(outputs, answer));
      },
      (error: unknown) => {
        // The active model has just answered the same.
        if (isModelsFault(error) || refuses(error)) shadow?.recordError();
      },
    );
  }

  /** What a watched candidate refuses is its error when the active model answers it: the client did nothing wrong. */
  #askWhetherFit(active: ServedModel, candidate: ServedModel, request: ServiceRequest): void {
    const { live } = candidate;
    if (!live || active.inFlight > 0) return;
    try {
      checkOutputs(active, request.outputs);
    } catch {
      return;
    }
    active.infer({ inputs: request.inputs, outputs: request.outputs }).then(
      () => live.recordError(),
      () => {}, // unfit for both, or the active model's own trouble: no word on the candidate
    );
  }
}

function refuses(error: unknown): boolean {
  return error instanceof InferenceError && error.kind === 'invalid';
}

function checkOutputs(model: ServedModel, outputs: readonly string[]): void {
  for (const name of outputs) {
    if (model.model.outputs.some((output) => output.name === name)) continue;
    const known = model.model.outputs.map((output) => output.name).join(', ');
    throw new InferenceError('invalid', `the model has no output ${name}; it has: ${known}`);
  }
}
