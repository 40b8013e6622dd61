import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentReadiness } from '../../agent/options.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import { CommandError } from '../exit-codes.ts';
import { agentCommand } from './agent-command.ts';

const readySeconds = 60;
const stopSeconds = 10;
/** An agent that ran for this long did not fail at starting. */
const settledMilliseconds = 60_000;
const restart = { firstSeconds: 1, maximumSeconds: 30 } as const;

export interface AgentSpec {
  name: string;
  /** Directory of this device below the data directory. */
  directory: string;
  simulate?: string;
  port: number;
  joinToken: string;
}

/**
 * Keeps one agent running as a child process, as systemd would on a device: started again with back-off when it dies.
 * Resolves `ready` with what it serves; `stopped` when the signal ended it.
 */
export async function superviseAgent(
  spec: AgentSpec,
  deps: { clock: Clock; note: (text: string) => void },
  signal: AbortSignal,
): Promise<{ ready: AgentReadiness; stopped: Promise<void> }> {
  await mkdir(spec.directory, { recursive: true, mode: 0o700 });
  const tokenFile = join(spec.directory, 'join-token');
  await writeFile(tokenFile, `${spec.joinToken}\n`, { mode: 0o600 });
  const readyFile = join(spec.directory, 'agent.json');
  await rm(readyFile, { force: true });

  const first = start(spec, tokenFile);
  const stopped = keepAlive(spec, tokenFile, first, deps, signal);
  const ready = await waitForReady(spec, readyFile, first, deps.clock, signal);
  return { ready, stopped };
}

function start(spec: AgentSpec, tokenFile: string): ChildProcess {
  const log = createWriteStream(join(spec.directory, 'agent.log'), { flags: 'a' });
  const { args, environment } = agentCommand({ ...spec, tokenFile });
  // A group of its own: Ctrl-C on the terminal reaches `up` alone, which then stops its agents in order. By the channel an agent
  // sees that `up` was killed: left alone it would hold its directory, and keep the next `up` from starting.
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: true, env: environment });
  const streams = [child.stdout, child.stderr].filter((stream) => stream !== null);
  for (const stream of streams) stream.pipe(log, { end: false });
  // On a full disk what it says is lost, and neither it nor `up` ends for that.
  log.once('error', () => {
    for (const stream of streams) stream.unpipe(log).resume();
  });
  child.once('close', () => log.end());
  return child;
}

async function keepAlive(
  spec: AgentSpec,
  tokenFile: string,
  first: ChildProcess,
  deps: { clock: Clock; note: (text: string) => void },
  signal: AbortSignal,
): Promise<void> {
  let child = first;
  let delaySeconds: number = restart.firstSeconds;
  try {
    for (;;) {
      const started = deps.clock.monotonic();
      await exitOf(child, signal);
      signal.throwIfAborted();
      if (deps.clock.monotonic() - started > settledMilliseconds) delaySeconds = restart.firstSeconds;
      deps.note(
        `agent ${spec.name} ended (${child.exitCode ?? child.signalCode}); starting it again in ${delaySeconds} s, its log is ${join(spec.directory, 'agent.log')}`,
      );
      await deps.clock.sleep(delaySeconds * 1000, signal);
      delaySeconds = Math.min(restart.maximumSeconds, delaySeconds * 2);
      child = start(spec, tokenFile);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Waits for the child to end; when the signal aborts, asks it to stop and insists after a while. */
async function exitOf(child: ChildProcess, signal: AbortSignal): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve()); // it could not be started
  });
  const stop = () => {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), stopSeconds * 1000).unref();
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  await exit;
  signal.removeEventListener('abort', stop);
}

async function waitForReady(
  spec: AgentSpec,
  readyFile: string,
  child: ChildProcess,
  clock: Clock,
  signal: AbortSignal,
): Promise<AgentReadiness> {
  const deadline = clock.monotonic() + readySeconds * 1000;
  const logFile = join(spec.directory, 'agent.log');
  while (clock.monotonic() < deadline) {
    const text = await readFile(readyFile, 'utf8').catch(() => undefined);
    if (text !== undefined) return JSON.parse(text) as AgentReadiness;
    if (child.exitCode !== null)
      throw new CommandError(`agent ${spec.name} ended with ${child.exitCode} before it answered`, `read ${logFile}`);
    await clock.sleep(50, signal);
  }
  throw new CommandError(`agent ${spec.name} did not answer within ${readySeconds} s`, `read ${logFile}`);
}
