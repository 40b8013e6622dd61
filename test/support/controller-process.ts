// `jouleops controller` as a process of its own, for tests that kill and freeze it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.ts';
import { killAtExit } from './kill-at-exit.ts';

const entry = fileURLToPath(new URL('../../cli/jouleops.ts', import.meta.url));
const models = fileURLToPath(new URL('../../model_store', import.meta.url));

export interface ControllerProcessOptions {
  kubeconfig: string;
  /** Kept when the process ends; a temporary one otherwise. */
  dataDirectory?: string;
  devicePort?: number;
}

export class ControllerProcess {
  readonly child: ChildProcess;
  readonly dataDirectory: string;
  /** Its log, one parsed line each. */
  readonly log: Record<string, unknown>[] = [];
  readonly ended: Promise<unknown>;

  private constructor(child: ChildProcess, dataDirectory: string) {
    this.child = child;
    this.dataDirectory = dataDirectory;
    this.ended = once(child, 'exit');
    killAtExit(child);
    if (child.stderr) createInterface(child.stderr).on('line', (line) => this.log.push(parseLine(line)));
  }

  static async start(options: ControllerProcessOptions): Promise<ControllerProcess> {
    const directory = options.dataDirectory ?? (await mkdtemp(join(tmpdir(), 'jouleops-controller-')));
    const args = ['--kubeconfig', options.kubeconfig, '--data-dir', directory, '--web-port', '0', '--model-store', models];
    const child = spawn(process.execPath, [entry, 'controller', ...args, '--device-port', String(options.devicePort ?? 0)], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, JOULEOPS_LOG: 'info' },
    });
    return new ControllerProcess(child, directory);
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** @throws Error with the end of its log when it ends instead. */
  async answers(timeoutSeconds = 30): Promise<{ web: string; devicePort: string }> {
    return eventually(() => {
      const line = this.log.find(({ msg }) => msg === 'the controller answers');
      if (line) return { web: String(line['web']), devicePort: String(line['devicePort']) };
      throw new Error(`the controller does not answer:\n${this.logTail()}`);
    }, timeoutSeconds);
  }

  logTail(lines = 10): string {
    return this.log
      .slice(-lines)
      .map((line) => JSON.stringify(line).slice(0, 600))
      .join('\n');
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async kill(): Promise<void> {
    if (!this.running) return;
    this.child.kill('SIGKILL');
    await this.ended;
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.dataDirectory, { recursive: true, force: true });
  }
}

/** The file that a controller process reads its server from. */
export async function writeKubeconfig(path: string, text: string): Promise<string> {
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

function parseLine(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return { msg: line };
  }
}
