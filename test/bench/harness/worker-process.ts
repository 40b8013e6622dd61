// A part of a benchmark in a process of its own, so that its memory and processor time are its own. Both ends of its messages.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

type Handlers = Record<string, (argument: never) => unknown>;

interface Request {
  id: number;
  name: string;
  argument: unknown;
}

interface Answer {
  id: number;
  value?: unknown;
  error?: string;
}

/** How Dockerfile starts a controller. */
const controllerImage = {
  nodeFlags: ['--min-semi-space-size=4'],
  environment: { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '65536', MALLOC_MMAP_THRESHOLD_: '65536' },
};

export class WorkerProcess {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #next = 1;

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
    child.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if (answer.error === undefined) waiting?.resolve(answer.value);
      else waiting?.reject(new Error(answer.error));
    });
    child.once('exit', (code, signal) => {
      for (const waiting of this.#waiting.values())
        waiting.reject(new Error(`the process of ${child.spawnargs[1] ?? 'a benchmark'} ended (${code ?? signal})`));
    });
  }

  /** `BENCH_PROFILE=DIR` keeps a processor profile of the processes whose file is named in BENCH_PROFILE_OF. */
  static start(file: string): WorkerProcess {
    const profile = process.env['BENCH_PROFILE'];
    const wanted = profile !== undefined && file.includes(process.env['BENCH_PROFILE_OF'] ?? 'controller');
    const image = file === 'controller.ts' ? controllerImage : undefined;
    const execArgv = [
      ...(image?.nodeFlags ?? []),
      ...(process.env['BENCH_NODE_OPTIONS']?.split(' ') ?? []),
      ...(wanted ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : []),
    ];
    const path = fileURLToPath(new URL(`../processes/${file}`, import.meta.url));
    // As an installation keeps it: from the second start on no types are stripped.
    const compiled = join(tmpdir(), 'jouleops-bench-compile-cache');
    const env = { NODE_COMPILE_CACHE: compiled, ...process.env, ...image?.environment };
    const child = fork(path, [], { execArgv, env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    if (child.pid === undefined) throw new Error(`${file} could not be started`);
    return new WorkerProcess(child, child.pid);
  }

  call<T>(name: string, argument?: unknown): Promise<T> {
    const waiting = Promise.withResolvers<unknown>();
    const id = this.#next++;
    this.#waiting.set(id, waiting);
    this.#child.send({ id, name, argument } satisfies Request, (error) => {
      if (error) waiting.reject(error);
    });
    return waiting.promise as Promise<T>;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const insist = setTimeout(() => this.#child.kill('SIGKILL'), 20_000);
    await exit;
    clearTimeout(insist);
  }
}

/** The child's end: answers calls until SIGTERM or until its parent is gone, then stops what it has started. */
export function answerCalls(handlers: Handlers, stop: () => Promise<void>): void {
  let stopping = false;
  const end = async () => {
    if (stopping) return;
    stopping = true;
    await stop();
    process.exit(0);
  };
  const reply = async ({ id, name, argument }: Request) => {
    const answer: Answer = { id };
    try {
      const handler = handlers[name];
      if (!handler) throw new Error(`there is no ${name} here`);
      answer.value = await handler(argument as never);
    } catch (error) {
      answer.error = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    process.send?.(answer);
  };
  process.on('message', (request: Request) => void reply(request));
  process.once('SIGTERM', () => void end());
  process.once('disconnect', () => void end());
}
