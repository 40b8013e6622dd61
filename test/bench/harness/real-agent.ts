// `jouleops agent` as on a device: its own process, its own directory, one model process below it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentReadiness } from '../../../agent/options.ts';
import { agentCommand } from '../../../cli/up/agent-command.ts';
import { edgeDevices } from '../../../crds/resources.ts';
import type { World } from '../../integration/agent/world.ts';
import { eventually } from '../../support/eventually.ts';

/** Another command than this source tree's. */
export interface AgentBuild {
  entry: string;
  /** The Node that runs it; default: this one. */
  node?: string;
  /** More options of `jouleops agent`. */
  flags?: readonly string[];
}

export interface RealAgent {
  pid: number;
  url: string;
  /** `host:port`, where it serves gRPC. */
  grpc?: string;
  /** From the start of the process to its first answer. */
  startSeconds: number;
  stop(): Promise<void>;
}

/** The first start of a name joins; a later one goes on from its directory. */
export async function startRealAgent(world: World, name: string, build?: AgentBuild): Promise<RealAgent> {
  const directory = join(world.directory, name);
  const tokenFile = join(world.directory, `${name}.token`);
  await writeFile(tokenFile, await world.joinToken());
  const started = performance.now();
  const entry = build && { entry: build.entry };
  const { args, environment } = agentCommand({ name, directory, tokenFile, port: 0, ...entry });
  const child = spawn(build?.node ?? process.execPath, [...args, ...(build?.flags ?? [])], {
    stdio: ['ignore', 'ignore', 'ignore'],
    env: environment,
  });
  if (child.pid === undefined) throw new Error('the agent could not be started');
  const readiness = await eventually(async () => {
    if (child.exitCode !== null) throw new Error(`the agent ended with ${child.exitCode}`);
    return JSON.parse(await readFile(join(directory, 'agent.json'), 'utf8')) as AgentReadiness;
  }, 60);
  const startSeconds = (performance.now() - started) / 1000;
  const { url, grpc } = readiness;
  return { pid: child.pid, url, startSeconds, stop: () => stopChild(child), ...(grpc === undefined ? {} : { grpc }) };
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

/** An agent answers before it has joined. */
export async function untilJoined(world: World, name: string): Promise<void> {
  await eventually(() => world.device(name), 30);
}

/** Several instances at once, where `assign` of the world lists one. */
export async function assignAll(world: World, device: string, names: readonly string[]): Promise<void> {
  const assigned = await Promise.all(
    names.map(async (name) => {
      const { uid, namespace = '', generation = 1 } = (await world.instance(name)).metadata;
      return { namespace, name, uid, generation };
    }),
  );
  const signal = AbortSignal.timeout(10_000);
  const status = { assigned };
  await world.client.applyStatus(
    edgeDevices,
    { metadata: { name: device }, status },
    { fieldManager: 'bench', force: true, signal },
  );
}

/** Seconds until the model answers that it is ready. */
export async function untilServing(agent: RealAgent, model: string): Promise<number> {
  const started = performance.now();
  await eventually(
    async () => {
      const response = await fetch(`${agent.url}/v2/models/${model}/ready`);
      await response.arrayBuffer();
      if (response.status !== 200) throw new Error(`${model}: ${response.status}`);
    },
    60,
    10,
  );
  return (performance.now() - started) / 1000;
}
