// A server that faults are tried on: the embedded one as a process of its own, or a real control plane.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Connection } from '../../../kube/api/connection.ts';
import { formatKubeconfig } from '../../../standalone/auth/kubeconfig.ts';
import { installOn } from '../api-server-under-test.ts';
import { findBinaries } from '../control-plane/binaries.ts';
import { startControlPlane } from '../control-plane.ts';
import { killAtExit } from '../kill-at-exit.ts';

export interface FaultTarget {
  name: string;
  admin: Connection;
  /** Of the administrator, as programs read it. */
  kubeconfig(): Promise<string>;
  /** Kills the server as a crash would, and starts it again on the same port and the same data. */
  restart(): Promise<void>;
  /** The two halves of that. */
  kill(): Promise<void>;
  run(): Promise<void>;
  close(): Promise<void>;
}

const program = fileURLToPath(new URL('../standalone-process.ts', import.meta.url));

export class EmbeddedProcess implements FaultTarget {
  readonly name = 'embedded';
  readonly directory: string;
  admin: Connection = { server: '' };
  #child: ChildProcess | undefined;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** `directory`: kept afterwards; without it a temporary one. */
  static async start(directory?: string): Promise<EmbeddedProcess> {
    const server = new EmbeddedProcess(directory ?? (await mkdtemp(join(tmpdir(), 'jouleops-embedded-'))));
    await server.run();
    return server;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async kubeconfig(): Promise<string> {
    return formatKubeconfig(this.admin);
  }

  async run(): Promise<void> {
    const port = this.admin.server === '' ? '0' : new URL(this.admin.server).port;
    const child = spawn(process.execPath, [program, this.directory, port], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    killAtExit(child);
    const ended = once(child, 'exit').then(() => {
      throw new Error(`the embedded server ended with ${child.exitCode ?? child.signalCode} before it answered`);
    });
    const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), ended])) as [string];
    ended.catch(() => undefined); // later it ends by our hand
    this.admin = JSON.parse(line) as Connection;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.run();
  }

  async close(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** A control plane of its own: the shared one must not be killed under other files. */
export async function startRealTarget(): Promise<FaultTarget> {
  const binaries = await findBinaries();
  if (binaries.kind === 'absent') throw new Error(binaries.reason);
  // Devices join and renew through certificate requests, which the controller manager signs.
  const plane = await startControlPlane({ binaries, controllerManager: true });
  await installOn(plane.client);
  return {
    name: 'real',
    admin: plane.connection,
    kubeconfig: () => readFile(plane.kubeconfigPath, 'utf8'),
    restart: () => plane.restartApiServer(),
    kill: () => plane.killApiServer(),
    run: () => plane.startApiServer(),
    close: () => plane.stop(),
  };
}
