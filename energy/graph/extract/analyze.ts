// Reads a model file in a child process with limits and returns what its graph costs.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AnalysisLimits, GraphAnalysis } from '../analysis.ts';
import { type AnalysisAnswer, type AnalysisOrder, defaultLimits } from './protocol.ts';
import type { UnsupportedReason } from './unsupported-reason.ts';

// Beside this file, as source or bundled.
const childFile = fileURLToPath(new URL(`./child${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url));
const maximumAnswerBytes = 16 * 2 ** 20;
const maximumErrorText = 4000;
const pageBytes = 4096;
const watchMilliseconds = 200;
/** What Node.js and the runtime hold before they read a model. */
const baseResidentBytes = 256 * 2 ** 20;

/** The file cannot be analysed, and so not be deployed; the message names the thing, the value and the next step. */
export class UnsupportedModelError extends Error {
  override readonly name = 'UnsupportedModelError';
  readonly reason: UnsupportedReason;

  constructor(reason: UnsupportedReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

export interface AnalysisOptions {
  limits?: Partial<AnalysisLimits>;
  /** Sizes of symbolic dimensions: by symbol, or by `input.index` for a dimension without a name. */
  dimensions?: Record<string, number>;
  signal: AbortSignal;
  /** location as written in the model → path of the bytes; absent: beside the file. */
  externalData?: Record<string, string>;
  /** Lists every node with its cost beside the sums. */
  layers?: boolean;
}

/**
 * The same file gives the same features on every machine; only `residentBytes` varies.
 * @throws UnsupportedModelError with a reason for whatever is wrong with the file; the signal's reason when aborted.
 */
export async function analyzeGraph(file: string, options: AnalysisOptions): Promise<GraphAnalysis> {
  const { signal } = options;
  signal.throwIfAborted();
  const limits = { ...defaultLimits, ...options.limits };
  const scratchDirectory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-analysis-'));
  try {
    // An abort that came in the meantime reaches no listener that is added after it.
    signal.throwIfAborted();
    const order: AnalysisOrder = {
      file: path.resolve(file),
      scratchDirectory,
      limits,
      dimensions: options.dimensions ?? {},
      externalData: options.externalData ?? {},
      layers: options.layers ?? false,
    };
    const answer = await ask(order, signal);
    if (answer.kind === 'unsupported') throw new UnsupportedModelError(answer.reason, answer.message);
    return answer.analysis;
  } finally {
    await rm(scratchDirectory, { recursive: true, force: true });
  }
}

async function ask(order: AnalysisOrder, signal: AbortSignal): Promise<AnalysisAnswer> {
  const { limits } = order;
  const child = spawn(process.execPath, ['--max-old-space-size=1024', childFile, JSON.stringify(order)], {
    cwd: order.scratchDirectory,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: childEnvironment(),
  });
  let stoppedFor: AnalysisAnswer | undefined;
  const stop = (reason: 'Timeout' | 'OutOfMemory' | 'Crashed', message: string) => {
    stoppedFor ??= { kind: 'unsupported', reason, message };
    child.kill('SIGKILL');
  };
  const timer = setTimeout(
    () => stop('Timeout', `reading the model took more than ${limits.seconds} s: use a smaller model or raise the limit`),
    limits.seconds * 1000,
  );
  const watch = watchMemory(child, limits.memoryBytes, (held) =>
    stop('OutOfMemory', `reading the model took ${held} bytes of memory, the limit is ${limits.memoryBytes}`),
  );
  const onAbort = () => child.kill('SIGKILL');
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const [{ code, signalName }, answerText, errorText] = await Promise.all([
      exitOf(child),
      collect(child.stdio[3] as NodeJS.ReadableStream, maximumAnswerBytes),
      collect(child.stdio[2] as NodeJS.ReadableStream, maximumErrorText),
    ]);
    signal.throwIfAborted();
    if (stoppedFor) return stoppedFor;
    if (code === 0 && answerText.length > 0 && answerText.length < maximumAnswerBytes)
      return JSON.parse(answerText) as AnalysisAnswer;
    return crash(code, signalName, errorText);
  } finally {
    clearTimeout(timer);
    clearInterval(watch);
    signal.removeEventListener('abort', onAbort);
  }
}

/** No proxy settings, no NODE_OPTIONS of the parent: the child needs none and the file is not trusted. */
function childEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', MALLOC_ARENA_MAX: '1', NODE_NO_WARNINGS: '1' };
}

function exitOf(child: ChildProcess): Promise<{ code: number | null; signalName: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signalName) => resolve({ code, signalName }));
  });
}

async function collect(stream: NodeJS.ReadableStream, maximumBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    if (length >= maximumBytes) continue;
    chunks.push(chunk as Buffer);
    length += chunk.length;
  }
  return Buffer.concat(chunks).toString('utf8').slice(0, maximumBytes);
}

/** The child limits itself; this catches what happens before that, and systems without prlimit. */
function watchMemory(child: ChildProcess, memoryBytes: number, onExceeded: (held: number) => void): NodeJS.Timeout | undefined {
  const file = `/proc/${child.pid ?? 0}/statm`;
  if (!existsSync(file)) return undefined;
  return setInterval(() => {
    readFile(file, 'utf8')
      .then((text) => {
        const held = Number(text.split(' ')[1] ?? 0) * pageBytes;
        if (held > memoryBytes + baseResidentBytes) onExceeded(held);
      })
      .catch(() => undefined); // it has ended
  }, watchMilliseconds);
}

function crash(code: number | null, signalName: NodeJS.Signals | null, errorText: string): AnalysisAnswer {
  const how = signalName ? `signal ${signalName}` : `exit code ${code ?? -1}`;
  const last = errorText.trim().split('\n').slice(0, 3).join(' ').slice(0, 300);
  const outOfMemory = /out of memory|bad_alloc|allocation failure/i.test(errorText);
  return {
    kind: 'unsupported',
    reason: outOfMemory ? 'OutOfMemory' : 'Crashed',
    message: outOfMemory
      ? `reading the model needs more memory than the limit (${how})`
      : `the process that reads the model ended with ${how}${last ? `: ${last}` : ''}; the file is damaged or uses something the runtime cannot survive`,
  };
}
