// One server of a test cluster: its log in a file, its end with the test's, nothing else touched.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { killAtExit } from '../kill-at-exit.ts';

export class ServerProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #logFile: string;

  private constructor(name: string, child: ChildProcess, logFile: string) {
    this.name = name;
    this.#child = child;
    this.#logFile = logFile;
    killAtExit(child);
  }

  static async start(
    binary: string,
    args: readonly string[],
    logFile: string,
    environment: NodeJS.ProcessEnv = process.env,
  ): Promise<ServerProcess> {
    const log = await open(logFile, 'a');
    try {
      const child = spawn(binary, args, { stdio: ['ignore', log.fd, log.fd], env: environment });
      await once(child, 'spawn');
      return new ServerProcess(basename(binary), child, logFile);
    } finally {
      await log.close();
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Waits until `probe` says yes. @throws Error with the end of the log when the process ends or time runs out */
  async ready(probe: () => Promise<boolean>, timeoutSeconds: number): Promise<void> {
    const deadline = performance.now() + timeoutSeconds * 1000;
    for (;;) {
      if (!this.running) throw new Error(`${this.name} ended while it was starting:\n${await this.#logTail()}`);
      if (await probe().catch(() => false)) return;
      if (performance.now() > deadline)
        throw new Error(`${this.name} was not ready after ${timeoutSeconds} s:\n${await this.#logTail()}`);
      await delay(50);
    }
  }

  /** Asks politely, then does not ask. */
  async stop(graceSeconds = 3): Promise<void> {
    if (!this.running) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceSeconds * 1000);
    await ended;
    clearTimeout(timer);
  }

  /** As a crash: no handler runs, nothing is flushed. */
  async kill(): Promise<void> {
    if (!this.running) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  async #logTail(): Promise<string> {
    return (await readFile(this.#logFile, 'utf8').catch(() => '')).split('\n').slice(-20).join('\n');
  }
}
