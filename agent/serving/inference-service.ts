// The core behind every protocol: from a model's name and tensors to an answer, with shares, shadows and counts.
import type { Clock } from '../../kube/runtime/clock.ts';
import type { Tensor } from '../inference/datatypes.ts';
import type { InferenceResult } from '../inference/engine.ts';
import { InferenceError } from '../inference/errors.ts';
import { agrees, topClass } from './golden-set.ts';
import type { Routes } from './routes.ts';
import type { ServedModel } from './served-model.ts';

export type Protocol = 'http' | 'grpc' | 'mqtt';

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
  countRequest(request: { model: ServedModel | undefined; protocol: Protocol; code: string; seconds: number }): void;
}

interface Deps {
  clock: Clock;
  routes: Routes;
  counter: RequestCounter;
  /** While the device runs a controlled loop or is throttled, requests may be delayed. */
  pace?: (model: ServedModel, signal: AbortSignal | undefined) => Promise<void>;
}

export interface Agreement {
  compared: number;
  agreed: number;
}

/** A request without a timeout waits this long for a model that is being started again. */
const defaultTimeoutSeconds = 60;

export class InferenceService {
  readonly #deps: Deps;
  /** Shadow answers by candidate revision. */
  readonly #agreements = new Map<ServedModel, Agreement>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  agreementOf(candidate: ServedModel): Agreement | undefined {
    return this.#agreements.get(candidate);
  }

  /** @throws InferenceError */
  async infer(request: ServiceRequest): Promise<ServiceAnswer> {
    const { clock, routes, counter } = this.#deps;
    const arrived = clock.monotonic();
    let model: ServedModel | undefined;
    const count = (code: string) =>
      counter.countRequest({ model, protocol: request.protocol, code, seconds: (clock.monotonic() - arrived) / 1000 });
    try {
      const resolved = routes.resolve(request.name, request.version);
      model = resolved.model;
      checkOutputs(model, request.outputs);
      await this.#deps.pace?.(model, request.signal);
      const deadline = arrived + (request.timeoutMicroseconds ?? defaultTimeoutSeconds * 1e6) / 1000;
      const result = await model.infer({
        inputs: request.inputs,
        outputs: request.outputs,
        deadline,
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      });
      if (resolved.shadow) this.#mirror(resolved.shadow, request, result.outputs);
      count('ok');
      return { ...result, model, name: request.name, latencyMicroseconds: (clock.monotonic() - arrived) * 1000 };
    } catch (error) {
      count(error instanceof InferenceError ? error.kind : 'failed');
      throw error;
    }
  }

  /** The candidate sees real traffic without answering it, and only when it has nothing else to do. */
  #mirror(candidate: ServedModel, request: ServiceRequest, answer: readonly Tensor[]): void {
    if (candidate.inFlight > 0) return;
    candidate.infer({ inputs: request.inputs, outputs: request.outputs }).then(
      ({ outputs }) => {
        const agreement = this.#agreements.get(candidate) ?? { compared: 0, agreed: 0 };
        const labelled = candidate.slot.classLabels !== undefined;
        const same = labelled ? topClass(outputs) === topClass(answer) : agrees(outputs, answer);
        this.#agreements.set(candidate, { compared: agreement.compared + 1, agreed: agreement.agreed + (same ? 1 : 0) });
      },
      () => {}, // counted by the candidate's own statistics
    );
  }
}

function checkOutputs(model: ServedModel, outputs: readonly string[]): void {
  for (const name of outputs) {
    if (model.model.outputs.some((output) => output.name === name)) continue;
    const known = model.model.outputs.map((output) => output.name).join(', ');
    throw new InferenceError('invalid', `the model has no output ${name}; it has: ${known}`);
  }
}
