import { readFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Clock } from '../../kube/runtime/clock.ts';
import { hasEnded } from '../has-ended.ts';
import type { Tensor, TensorDescription } from './datatypes.ts';
import type { Engine, EngineModel, InferenceRequest, InferenceResult, ModelSource } from './engine.ts';
import { InferenceError } from './errors.ts';
import { type ModelProcess, startModelProcess } from './model-process.ts';
import { RequestQueue } from './request-queue.ts';

export interface OnnxRuntimeOptions {
  queueCapacity: number;
  loadTimeoutSeconds: number;
  runTimeoutSeconds: number;
  /** First wait before a model that ended is started again; doubles up to the maximum. */
  restartSeconds: number;
  maximumRestartSeconds: number;
}

export const onnxRuntimeDefaults: OnnxRuntimeOptions = {
  queueCapacity: 64,
  loadTimeoutSeconds: 120,
  runTimeoutSeconds: 30,
  restartSeconds: 0.5,
  maximumRestartSeconds: 60,
};

interface Deps {
  clock: Clock;
  logger: Logger;
}

/** ONNX Runtime, one child process per model. */
export function createOnnxRuntimeEngine(deps: Deps, options: OnnxRuntimeOptions = onnxRuntimeDefaults): Engine {
  return {
    kind: 'OnnxRuntime',
    load: async (source, signal) => {
      const first = await startModelProcess({ ...source, ...options }, deps, signal);
      return new SupervisedModel(source, first, deps, options);
    },
  };
}

/** A process that is started again, with back-off, when it ends without being asked to. */
class SupervisedModel implements EngineModel {
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  readonly platform = 'onnx_onnxv1';
  readonly executionProviders: readonly string[];
  readonly runtimeVersion: string;
  readonly loadMilliseconds: number;
  readonly restarts: { count: number; reason?: string } = { count: 0 };
  readonly #source: ModelSource;
  readonly #deps: Deps;
  readonly #options: OnnxRuntimeOptions;
  readonly #queue: RequestQueue;
  readonly #closing = new AbortController();
  #process: ModelProcess | undefined;
  #started: PromiseWithResolvers<ModelProcess>;
  readonly #supervision: Promise<void>;

  constructor(source: ModelSource, first: ModelProcess, deps: Deps, options: OnnxRuntimeOptions) {
    this.#source = source;
    this.#deps = deps;
    this.#options = options;
    this.inputs = first.loaded.inputs;
    this.outputs = first.loaded.outputs;
    const providers = source.executionProviders.filter((name) => first.hello.executionProviders.includes(name));
    this.executionProviders = providers.length > 0 ? providers : ['cpu'];
    this.runtimeVersion = first.hello.runtimeVersion;
    this.loadMilliseconds = first.loaded.loadMilliseconds;
    this.#queue = new RequestQueue({ atOnce: 2, total: options.queueCapacity + 1 }, deps.clock);
    this.#process = first;
    this.#started = Promise.withResolvers();
    this.#started.resolve(first);
    this.#supervision = this.#supervise(first);
  }

  get ready(): boolean {
    return this.#process !== undefined && !this.#closing.signal.aborted;
  }

  get queueLength(): number {
    return this.#queue.length;
  }

  async residentBytes(): Promise<number | undefined> {
    const pid = this.#process?.pid;
    if (pid === undefined) return undefined;
    try {
      const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
      return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
    } catch {
      return undefined;
    }
  }

  async infer(request: InferenceRequest): Promise<InferenceResult> {
    if (this.#closing.signal.aborted) throw this.#gone();
    checkInputs(this.inputs, request.inputs);
    const arrived = this.#deps.clock.monotonic();
    if (request.deadline === undefined) return this.#queue.submit(() => this.#run(request, request.signal, arrived), request);
    const late = new AbortController();
    const signal = request.signal ? AbortSignal.any([request.signal, late.signal]) : late.signal;
    const run = this.#queue.submit(() => this.#run(request, signal, arrived), request);
    return withDeadline(run, request.deadline - arrived, this.#source.name, () => late.abort());
  }

  /** A process that ends takes with it the request that it ran, not the one that was on its way to it. */
  async #run(request: InferenceRequest, signal: AbortSignal | undefined, arrived: number): Promise<InferenceResult> {
    for (;;) {
      if (this.#closing.signal.aborted) throw this.#gone();
      const process = await this.#running(request);
      const run = await process.run(request.inputs, request.outputs, signal);
      if (!run) {
        await process.exited;
        continue;
      }
      const { outputs, modelMicroseconds, beganAt } = run;
      const transferMicroseconds = Math.max(0, (this.#deps.clock.monotonic() - beganAt) * 1000 - modelMicroseconds);
      return { outputs, modelMicroseconds, transferMicroseconds, queueMicroseconds: (beganAt - arrived) * 1000 };
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(this.#gone());
    this.#queue.drain(this.#gone());
    this.#process?.kill();
    await this.#supervision;
  }

  /** The process, or the wait until it is back. A request does not wait longer than its own deadline. */
  #running(request: InferenceRequest): Promise<ModelProcess> {
    if (this.#process) return Promise.resolve(this.#process);
    if (request.deadline === undefined)
      throw new InferenceError('unavailable', `model ${this.#source.name} is being started again: ${this.restarts.reason}`, {
        retryAfterSeconds: Math.ceil(this.#options.restartSeconds),
      });
    return this.#started.promise;
  }

  async #supervise(process: ModelProcess): Promise<void> {
    const { clock, logger } = this.#deps;
    const signal = this.#closing.signal;
    let wait = this.#options.restartSeconds;
    for (;;) {
      const since = clock.monotonic();
      const reason = await process.exited;
      this.#process = undefined;
      if (signal.aborted) return;
      this.#started = Promise.withResolvers();
      this.#started.promise.catch(() => {}); // nobody may be waiting
      if (clock.monotonic() - since > 60_000) wait = this.#options.restartSeconds;
      for (let back: ModelProcess | undefined; !back; ) {
        this.restarts.count++;
        this.restarts.reason = `its process ${reason}`;
        logger.warn({ model: this.#source.name, reason, waitSeconds: wait }, 'a model ended and is started again');
        try {
          await clock.sleep(wait * 1000, signal);
          wait = Math.min(wait * 2, this.#options.maximumRestartSeconds);
          back = await startModelProcess({ ...this.#source, ...this.#options }, this.#deps, signal);
          process = back;
        } catch (error) {
          if (hasEnded(signal)) {
            this.#started.reject(this.#gone());
            return;
          }
          logger.warn({ model: this.#source.name, err: error }, 'the model could not be started again');
        }
      }
      this.#process = process;
      this.#started.resolve(process);
    }
  }

  #gone(): InferenceError {
    return new InferenceError('unavailable', `model ${this.#source.name} is no longer loaded`, { retryAfterSeconds: 1 });
  }
}

/** Answers at the deadline though the run goes on: it can only be ended with its process. */
function withDeadline<T>(run: Promise<T>, milliseconds: number, name: string, onLate: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => {
        reject(new InferenceError('deadline', `model ${name} did not answer within ${Math.round(milliseconds)} ms`));
        onLate();
      },
      Math.max(0, milliseconds),
    );
    run.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** @throws InferenceError invalid, with what the model expects. */
export function checkInputs(expected: readonly TensorDescription[], given: readonly Tensor[]): void {
  const invalid = (message: string) => new InferenceError('invalid', message);
  const signature = () => expected.map((input) => `${input.name} ${input.datatype} [${input.shape.join(', ')}]`).join('; ');
  for (const input of expected) {
    const tensor = given.find((candidate) => candidate.name === input.name);
    if (!tensor) throw invalid(`input ${input.name} is missing; the model takes: ${signature()}`);
    if (tensor.datatype !== input.datatype)
      throw invalid(`input ${input.name} is ${tensor.datatype}; the model takes ${input.datatype}`);
    const fits =
      tensor.shape.length === input.shape.length &&
      input.shape.every((size, axis) => size === -1 || size === tensor.shape[axis]) &&
      tensor.shape.every((size) => Number.isSafeInteger(size) && size >= 0);
    if (!fits)
      throw invalid(`input ${input.name} has shape [${tensor.shape.join(', ')}]; the model takes [${input.shape.join(', ')}]`);
  }
  for (const tensor of given) {
    if (!expected.some((input) => input.name === tensor.name))
      throw invalid(`the model has no input ${tensor.name}; it takes: ${signature()}`);
  }
  if (given.length !== expected.length) throw invalid(`an input is given twice; the model takes: ${signature()}`);
}
