// A process of the product that is killed without warning and started again with the same arguments. One that ends by itself is
// started again too, as systemd or a kubelet does: a controller ends when no API server answers while it starts.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { killAtExit } from '../kill-at-exit.ts';

export interface Command {
  args: readonly string[];
  environment?: Record<string, string>;
  /** Where what it says is appended to. */
  logFile: string;
}

const restartMilliseconds = 500;

export class ManagedProcess {
  readonly name: string;
  readonly #command: Command;
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;

  constructor(name: string, command: Command) {
    this.name = name;
    this.#command = command;
  }

  /** Started and neither killed nor ended by itself. */
  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Processes that it started and that run: an agent has one for each model. */
  async children(): Promise<number[]> {
    const pid = this.#child?.pid;
    if (pid === undefined || !this.running) return [];
    const list = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    return list.split(' ').filter(Boolean).map(Number);
  }

  start(): void {
    const { args, environment, logFile } = this.#command;
    const log = createWriteStream(logFile, { flags: 'a' });
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    killAtExit(child);
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.once('close', () => log.end());
    child.once('exit', () => {
      if (this.#child === child) this.#restart = setTimeout(() => this.start(), restartMilliseconds);
    });
    this.#child = child;
  }

  /** SIGKILL: no handler runs, nothing is flushed. */
  async kill(): Promise<void> {
    const child = this.#child;
    clearTimeout(this.#restart);
    if (!child || !this.running) return;
    this.#child = undefined; // not to be started again by itself
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}
