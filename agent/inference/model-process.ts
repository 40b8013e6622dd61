// Starts and speaks to the process of one model. One request runs at a time; queueing is the caller's (request-queue.ts).
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import type net from 'node:net';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import type { FailureMessage, HelloMessage, LoadedMessage, LoadMessage } from './child/messages.ts';
import type { Tensor } from './datatypes.ts';
import { InferenceError, ModelLoadError } from './errors.ts';
import { encodeFrame, type Frame, FrameReader, type FrameType, frameTypes } from './frames.ts';
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

interface Pending {
  resolve(frame: Frame): void;
  reject(error: Error): void;
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

  /** @throws InferenceError; after a hang or a crash the process is gone and `exited` resolves. */
  async run(inputs: readonly Tensor[], outputs: readonly string[]): Promise<ResultMessage> {
    const { name, runTimeoutSeconds } = this.#options;
    const message = encodeInfer({ inputs: [...inputs], outputs: [...outputs] });
    const frame = await this.#channel.call(frameTypes.infer, message, runTimeoutSeconds, (why) => {
      return new InferenceError('failed', `model ${name} ${why} while it ran this request`);
    });
    if (frame.type === frameTypes.result) return decodeResult(frame.payload);
    const failure = parse<FailureMessage>(frame);
    throw new InferenceError(failure.kind === 'invalid' ? 'invalid' : 'failed', failure.message);
  }

  kill(): void {
    this.#channel.kill('was stopped');
  }
}

/** @throws ModelLoadError */
export async function startModelProcess(
  options: ModelProcessOptions,
  deps: { logger: Logger },
  signal: AbortSignal,
): Promise<ModelProcess> {
  signal.throwIfAborted();
  const child = spawn(process.execPath, [...nodeFlags, entry], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: { ...pick(['PATH', 'HOME', 'LANG', 'TZ', 'LD_LIBRARY_PATH', 'NODE_COMPILE_CACHE']), ...allocator },
  });
  const channel = new Channel(child, options.name, deps.logger);
  const onAbort = () => channel.kill('was stopped');
  signal.addEventListener('abort', onAbort, { once: true });
  const failed = (why: string) => new ModelLoadError('LoadFailed', `the process of model ${options.name} ${why} while it loaded`);
  try {
    const hello = parse<HelloMessage>(await channel.next(options.loadTimeoutSeconds, failed));
    await restrict(channel.pid, hello, options, deps.logger);
    const providers = options.executionProviders.filter((name) => hello.executionProviders.includes(name));
    const order: LoadMessage = {
      file: options.file,
      threads: options.threads,
      executionProviders: providers.length > 0 ? providers : ['cpu'],
    };
    const payload = Buffer.from(JSON.stringify(order));
    const frame = await channel.call(frameTypes.load, payload, options.loadTimeoutSeconds, failed);
    if (frame.type !== frameTypes.loaded) throw loadError(options, parse<FailureMessage>(frame));
    return new ModelProcess(channel, hello, parse<LoadedMessage>(frame), options);
  } catch (error) {
    channel.kill('was stopped');
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
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

/** Frames to and from a child; every wait ends when the child does. */
class Channel {
  readonly exited: Promise<string>;
  readonly #child: ChildProcess;
  readonly #socket: net.Socket;
  readonly #reader = new FrameReader();
  readonly #early: Frame[] = [];
  #pending: Pending | undefined;
  #nextId = 1;
  #goneBecause: string | undefined;

  constructor(child: ChildProcess, name: string, logger: Logger) {
    this.#child = child;
    this.#socket = child.stdio[3] as net.Socket;
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on('error', () => this.kill('closed its socket'));
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString('utf8')).slice(-2000);
    });
    this.exited = new Promise((resolve) => {
      const onGone = (why: string) => {
        this.#goneBecause ??= why;
        if (complaint !== '') logger.debug({ model: name, complaint }, 'what the model process wrote before it ended');
        this.#settle(undefined);
        resolve(this.#goneBecause);
      };
      child.once('error', (error) => onGone(`could not be started (${error.message})`));
      child.once('exit', (code, signalName) => onGone(signalName ? `was ended by ${signalName}` : `exited with code ${code}`));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  kill(why: string): void {
    this.#goneBecause ??= why;
    this.#child.kill('SIGKILL');
  }

  call(type: FrameType, payload: Uint8Array, timeoutSeconds: number, failed: (why: string) => Error): Promise<Frame> {
    const answer = this.next(timeoutSeconds, failed);
    this.#socket.cork();
    for (const part of encodeFrame(type, this.#nextId++, payload)) this.#socket.write(part);
    this.#socket.uncork();
    return answer;
  }

  /** The next frame of the child, which is killed when it does not come in time. */
  next(timeoutSeconds: number, failed: (why: string) => Error): Promise<Frame> {
    if (this.#pending) throw new Error('a model process takes one call at a time');
    const early = this.#early.shift();
    if (early) return Promise.resolve(early);
    if (this.#goneBecause !== undefined) return Promise.reject(failed(this.#goneBecause));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.kill(`did not answer within ${timeoutSeconds} s and was killed`),
        timeoutSeconds * 1000,
      );
      this.#pending = {
        resolve: (frame) => {
          clearTimeout(timer);
          resolve(frame);
        },
        reject: () => {
          clearTimeout(timer);
          reject(failed(this.#goneBecause ?? 'ended'));
        },
      };
    });
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#settle(frame);
    } catch {
      this.kill('sent what is not a frame');
    }
  }

  #settle(frame: Frame | undefined): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (frame === undefined) pending?.reject(new Error(this.#goneBecause));
    else if (pending) pending.resolve(frame);
    else this.#early.push(frame);
  }
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
