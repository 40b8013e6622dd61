import type { Logger } from 'pino';
import type { Clock } from '../../../kube/runtime/clock.ts';
import { hasEnded } from '../../has-ended.ts';
import type { TensorDescription } from '../../inference/datatypes.ts';
import type { EngineModel, InferenceRequest, InferenceResult, ModelSource } from '../../inference/engine.ts';
import { InferenceError } from '../../inference/errors.ts';
import { checkInputs } from '../../inference/onnx-runtime-engine.ts';
import { RequestQueue } from '../../inference/request-queue.ts';
import { removeModel } from './model-directory.ts';
import { modelPath, type UpstreamClient, type UpstreamMetadata, UpstreamUnreachable } from './upstream-client.ts';
import type { UpstreamLimits } from './upstream-limits.ts';
import { decodeAnswer, encodeRequest } from './upstream-messages.ts';
import type { UpstreamOptions } from './upstream-options.ts';

export interface UpstreamDeps {
  clock: Clock;
  logger: Logger;
}

/** How a model is known at the upstream. */
interface UpstreamIdentity {
  model: string;
  /** Only where the upstream lists the version. */
  version?: string;
  /** It is there because the agent brought it, so the agent takes it away. */
  owned: boolean;
}

export interface LoadedUpstream {
  source: ModelSource;
  upstream: UpstreamOptions;
  server: { name: string; version: string; extensions: ReadonlySet<string> };
  metadata: UpstreamMetadata;
  identity: UpstreamIdentity;
  loadMilliseconds: number;
}

const unloadMilliseconds = 10_000;

/** A model at an upstream: requests are forwarded, a few at once; what the upstream loses it is told to load again. */
export class UpstreamModel implements EngineModel {
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  readonly platform: string;
  readonly executionProviders: readonly string[];
  readonly runtimeVersion: string;
  readonly loadMilliseconds: number;
  readonly restarts: { count: number; reason?: string } = { count: 0 };
  readonly #loaded: LoadedUpstream;
  readonly #client: UpstreamClient;
  readonly #deps: UpstreamDeps;
  readonly #limits: UpstreamLimits;
  readonly #queue: RequestQueue;
  readonly #closing = new AbortController();
  readonly #watching: Promise<void>;
  #ready = true;
  #look = Promise.withResolvers<void>();

  constructor(loaded: LoadedUpstream, client: UpstreamClient, deps: UpstreamDeps, limits: UpstreamLimits) {
    const { metadata, server, upstream } = loaded;
    this.inputs = metadata.inputs;
    this.outputs = metadata.outputs;
    this.platform = metadata.platform;
    this.executionProviders = [`upstream:${upstream.name}`.slice(0, 64)];
    this.runtimeVersion = `${server.name} ${server.version}`;
    this.loadMilliseconds = loaded.loadMilliseconds;
    this.#loaded = loaded;
    this.#client = client;
    this.#deps = deps;
    this.#limits = limits;
    const { atOnce, queueCapacity } = limits;
    this.#queue = new RequestQueue({ atOnce, total: atOnce + queueCapacity }, deps.clock);
    this.#watching = this.#watch();
  }

  get ready(): boolean {
    return this.#ready && !this.#closing.signal.aborted;
  }

  get queueLength(): number {
    return this.#queue.length;
  }

  /** Its memory is another process's, which may hold other models too. */
  async residentBytes(): Promise<undefined> {
    return undefined;
  }

  async infer(request: InferenceRequest): Promise<InferenceResult> {
    if (this.#closing.signal.aborted) throw this.#gone();
    checkInputs(this.inputs, request.inputs);
    const arrived = this.#deps.clock.monotonic();
    return this.#queue.submit(() => this.#forward(request, arrived), request);
  }

  async close(): Promise<void> {
    this.#closing.abort(this.#gone());
    this.#queue.drain(this.#gone());
    await this.#watching;
    const { identity, upstream } = this.#loaded;
    try {
      if (identity.owned) await this.#client.change(identity.model, 'unload', AbortSignal.timeout(unloadMilliseconds));
    } catch (error) {
      this.#deps.logger.warn(
        { err: error, upstream: upstream.name, model: identity.model },
        'an upstream did not unload a model',
      );
    }
    if (upstream.repository !== undefined) await removeModel(upstream.repository, identity.model);
    await this.#client.close();
  }

  async #forward(request: InferenceRequest, arrived: number): Promise<InferenceResult> {
    const { clock } = this.#deps;
    const { identity, server, upstream, source } = this.#loaded;
    const encoded = encodeRequest(request.inputs, request.outputs, server.extensions.has('binary_tensor_data'));
    const sent = clock.monotonic();
    const limits = this.#limitsOf(request, sent);
    try {
      const path = `${modelPath(identity.model, identity.version)}/infer`;
      const answer = await this.#client.send(path, { method: 'POST', ...encoded, signal: limits.signal });
      if (answer.status === 404 || answer.status === 503) this.#look.resolve();
      const { outputs, modelMicroseconds } = decodeAnswer(answer, upstream.name);
      const whole = (clock.monotonic() - sent) * 1000;
      // An upstream that does not say how long its model took: all of it is the model's.
      const model = Math.min(modelMicroseconds ?? whole, whole);
      return {
        outputs,
        modelMicroseconds: model,
        transferMicroseconds: whole - model,
        queueMicroseconds: (sent - arrived) * 1000,
      };
    } catch (error) {
      if (error instanceof InferenceError) throw error;
      this.#look.resolve();
      if (this.#closing.signal.aborted) throw this.#gone();
      if (request.signal?.aborted) throw new InferenceError('cancelled', 'the request was cancelled while the upstream ran it');
      if (limits.deadline?.aborted)
        throw new InferenceError(
          'deadline',
          `upstream ${upstream.name} did not answer ${source.name} within the request's timeout`,
        );
      if (limits.run.aborted)
        throw new InferenceError(
          'failed',
          `upstream ${upstream.name} did not answer ${source.name} within ${this.#limits.runTimeoutSeconds} s`,
        );
      throw new InferenceError('unavailable', `upstream ${upstream.name} at ${upstream.url}: ${(error as Error).message}`, {
        cause: error,
        retryAfterSeconds: 1,
      });
    }
  }

  #limitsOf(request: InferenceRequest, now: number) {
    const run = AbortSignal.timeout(this.#limits.runTimeoutSeconds * 1000);
    const deadline =
      request.deadline === undefined ? undefined : AbortSignal.timeout(Math.max(0, Math.round(request.deadline - now)));
    const signals = [run, deadline, request.signal, this.#closing.signal].filter((signal) => signal !== undefined);
    return { run, deadline, signal: AbortSignal.any(signals) };
  }

  /** Looks now and then, and at once when a request failed, whether the upstream still serves the model. */
  async #watch(): Promise<void> {
    const { signal } = this.#closing;
    const { logger, clock } = this.#deps;
    const { identity, upstream } = this.#loaded;
    while (!signal.aborted) {
      this.#look = Promise.withResolvers();
      await Promise.race([clock.sleep(this.#limits.healthSeconds * 1000, signal), this.#look.promise]).catch(() => {});
      if (hasEnded(signal)) return;
      const why = await this.#whyNotServed(signal);
      if (hasEnded(signal)) return;
      if (why !== undefined && this.#ready) {
        this.restarts.count++;
        this.restarts.reason = `upstream ${upstream.name} ${why}`;
        logger.warn({ upstream: upstream.name, model: identity.model, why }, 'an upstream serves a model no longer');
      }
      if (why === undefined && !this.#ready)
        logger.info({ upstream: upstream.name, model: identity.model }, 'an upstream serves a model again');
      this.#ready = why === undefined;
    }
  }

  /** Undefined when it serves; a server that has come back without the model is told to load it. */
  async #whyNotServed(signal: AbortSignal): Promise<string | undefined> {
    const { identity } = this.#loaded;
    try {
      if (await this.#client.isReady(identity.model, signal)) return undefined;
      if (!identity.owned) return `does not serve ${identity.model}`;
      await this.#client.change(
        identity.model,
        'load',
        AbortSignal.any([signal, AbortSignal.timeout(this.#limits.loadTimeoutSeconds * 1000)]),
      );
      return (await this.#client.isReady(identity.model, signal)) ? undefined : `loads ${identity.model}`;
    } catch (error) {
      return error instanceof UpstreamUnreachable ? `does not answer: ${error.message}` : (error as Error).message;
    }
  }

  #gone(): InferenceError {
    return new InferenceError('unavailable', `model ${this.#loaded.source.name} is no longer loaded`, { retryAfterSeconds: 1 });
  }
}
