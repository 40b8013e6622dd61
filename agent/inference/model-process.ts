// Starts the process of one model and gives it requests, which it runs one after the other.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import type { Clock } from '../../kube/runtime/clock.ts';
import { hasEnded } from '../has-ended.ts';
import { Channel, type Outcome } from './channel.ts';
import type { FailureMessage, HelloMessage, LoadedMessage, LoadMessage } from './child/messages.ts';
import type { Tensor } from './datatypes.ts';
import { InferenceError, ModelLoadError } from './errors.ts';
import { type Frame, frameTypes } from './frames.ts';
import { SharedArea } from './shared-area.ts';
import { decodeResult, encodeInfer, type ResultMessage } from './tensor-frame.ts';

export interface ModelProcessOptions {
  /** Names the model in messages and logs. */
  name: string;
  file: string;
  threads: number;
  executionProviders: readonly string[];
  /** Memory that the model may take above the empty process. Undefined: no limit. */
  memoryBytes?: number;
  loadTimeoutSeconds: number;
  /** A run that takes longer is a hang: the process is killed. */
  runTimeoutSeconds: number;
}

/** A result, and when the process turned to the request: monotonic milliseconds. */
export interface ModelRun extends ResultMessage {
  beganAt: number;
}

const entry = fileURLToPath(new URL(`./child/main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url));
const nodeFlags = ['--max-semi-space-size=1', '--v8-pool-size=1', '--no-warnings'];
/** glibc's arenas and thresholds, measured: a 45 MB model takes 142 MiB with these and 217 without. */
const allocator = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '65536', MALLOC_MMAP_THRESHOLD_: '65536' };
const childNiceness = 5;

export class ModelProcess {
  readonly hello: HelloMessage;
  readonly loaded: LoadedMessage;
  /** Resolves when the process is gone, with why. */
  readonly exited: Promise<string>;
  readonly #channel: Channel;
  readonly #options: ModelProcessOptions;

  constructor(channel: Channel, hello: HelloMessage, loaded: LoadedMessage, options: ModelProcessOptions) {
    this.#channel = channel;
    this.hello = hello;
    this.loaded = loaded;
    this.exited = channel.exited;
    this.#options = options;
  }

  get pid(): number {
    return this.#channel.pid;
  }

  /**
   * Two requests may be given at a time: the second is on its way while the first runs.
   * @returns undefined when the process ended before this request's turn came
   * @throws InferenceError, `cancelled` when the signal aborts before its turn; after a hang or a crash `exited` resolves
   */
  async run(inputs: readonly Tensor[], outputs: readonly string[], signal?: AbortSignal): Promise<ModelRun | undefined> {
    const { name, runTimeoutSeconds } = this.#options;
    const outcome = await this.#channel.call({
      type: frameTypes.infer,
      payload: encodeInfer({ inputs: [...inputs], outputs: [...outputs] }),
      timeoutSeconds: runTimeoutSeconds,
      ...(signal ? { signal } : {}),
    });
    switch (outcome.kind) {
      case 'notBegun':
        return undefined;
      case 'withdrawn':
        throw new InferenceError('cancelled', 'the request was cancelled while it waited');
      case 'ended':
        throw new InferenceError('failed', `model ${name} ${outcome.why} while it ran this request`);
      case 'answered': {
        const { frame, beganAt } = outcome;
        if (frame.type === frameTypes.result) return { ...decodeResult(frame.payload), beganAt };
        const failure = parse<FailureMessage>(frame);
        throw new InferenceError(failure.kind === 'invalid' ? 'invalid' : 'failed', failure.message);
      }
    }
  }

  kill(): void {
    this.#channel.kill('was stopped');
  }
}

/** @throws ModelLoadError */
export async function startModelProcess(
  options: ModelProcessOptions,
  deps: { clock: Clock; logger: Logger },
  signal: AbortSignal,
): Promise<ModelProcess> {
  signal.throwIfAborted();
  const { name, loadTimeoutSeconds } = options;
  const area = SharedArea.open();
  const child = await spawnChild(area).catch((error: Error) => {
    area?.close();
    throw new ModelLoadError('LoadFailed', `the process of model ${name} could not be started: ${error.message}`, {
      cause: error,
    });
  });
  const channel = new Channel(child, area, { name, helloSeconds: loadTimeoutSeconds }, deps);
  const onAbort = () => channel.kill('was stopped');
  signal.addEventListener('abort', onAbort, { once: true });
  if (hasEnded(signal)) onAbort(); // while the process came
  const answer = (outcome: Outcome): Frame => {
    if (outcome.kind === 'answered') return outcome.frame;
    const why = outcome.kind === 'ended' ? outcome.why : 'ended';
    throw new ModelLoadError('LoadFailed', `the process of model ${name} ${why} while it loaded`);
  };
  try {
    const hello = parse<HelloMessage>(answer(await channel.hello));
    await restrict(channel.pid, hello, options, deps.logger);
    const providers = options.executionProviders.filter((name) => hello.executionProviders.includes(name));
    const order: LoadMessage = {
      file: options.file,
      threads: options.threads,
      executionProviders: providers.length > 0 ? providers : ['cpu'],
    };
    const payload = Buffer.from(JSON.stringify(order));
    const frame = answer(await channel.call({ type: frameTypes.load, payload, timeoutSeconds: loadTimeoutSeconds }));
    if (frame.type !== frameTypes.loaded) throw loadError(options, parse<FailureMessage>(frame));
    return new ModelProcess(channel, hello, parse<LoadedMessage>(frame), options);
  } catch (error) {
    channel.kill('was stopped');
    // It may write what it has compiled until the very end: whoever is told that it is gone may remove its directory.
    await channel.exited;
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** @throws what the system says: too many open files, no memory for another process. */
async function spawnChild(area: SharedArea | undefined): Promise<ChildProcess> {
  const child: ChildProcess = spawn(process.execPath, [...nodeFlags, entry], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', area?.fd ?? 'ignore'],
    env: { ...pick(['PATH', 'HOME', 'LANG', 'TZ', 'LD_LIBRARY_PATH', 'NODE_COMPILE_CACHE']), ...allocator },
  });
  // Without descriptors for its streams Node gives a process that has none, and says why in an event that ends the agent if nobody listens.
  const streams = child.stdio as ChildProcess['stdio'] | undefined;
  if (streams) return child;
  const [error] = await once(child, 'error');
  throw error;
}

function loadError(options: ModelProcessOptions, failure: FailureMessage): ModelLoadError {
  if (failure.kind === 'memory')
    return new ModelLoadError(
      'InsufficientMemory',
      `model ${options.name} does not load within ${options.memoryBytes ?? 'unlimited'} bytes of memory: ${failure.message}`,
    );
  return new ModelLoadError('UnsupportedModel', `the runtime refuses model ${options.name}: ${failure.message}`);
}

/** Bounds what a model can take, and makes it the first to go when the machine runs out. Each where the system allows it. */
async function restrict(pid: number, hello: HelloMessage, options: ModelProcessOptions, logger: Logger): Promise<void> {
  if (process.platform !== 'linux') return;
  await writeFile(`/proc/${pid}/oom_score_adj`, '1000').catch((error: unknown) => {
    logger.debug({ err: error }, 'the kernel will not prefer the model when it frees memory');
  });
  try {
    os.setPriority(pid, childNiceness);
  } catch (error) {
    logger.debug({ err: error }, 'the model runs at normal priority');
  }
  if (options.memoryBytes === undefined || hello.dataBytes === 0) return;
  const limit = hello.dataBytes + options.memoryBytes;
  await new Promise<void>((resolve) => {
    execFile('prlimit', ['--pid', String(pid), `--data=${limit}:${limit}`], (error) => {
      if (error)
        logger.warn({ err: error, model: options.name }, 'no memory limit for this model: prlimit is missing or refused');
      resolve();
    });
  });
}

function parse<T>(frame: Frame): T {
  return JSON.parse(Buffer.from(frame.payload).toString('utf8')) as T;
}

function pick(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
