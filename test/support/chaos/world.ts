// The whole product as processes that can be killed: embedded server, controller, two agents with simulated power.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { ModelVersion } from '../../../crds/model-version.ts';
import { modelVersions } from '../../../crds/resources.ts';
import { namespaces } from '../../../kube/api/builtins.ts';
import type { Client } from '../../../kube/api/client.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import { runCommand } from '../clients/command.ts';
import { watchConditions } from '../condition-watch.ts';
import { eventually } from '../eventually.ts';
import { EmbeddedProcess, type FaultTarget, startRealTarget } from '../faults/target.ts';
import { freePort } from '../free-port.ts';
import { ManagedProcess } from './managed-process.ts';

export const chaosNamespace = 'chaos';
export const agentNames = ['pi-a', 'pi-b'] as const;

/** What the fleet runs on. */
export interface ChaosServer {
  name: string;
  start: () => Promise<FaultTarget>;
}

export const embeddedServer: ChaosServer = { name: 'The embedded server', start: () => EmbeddedProcess.start() };
export const realServer: ChaosServer = { name: 'A real kube-apiserver', start: startRealTarget };

const root = fileURLToPath(new URL('../../../', import.meta.url));
const entry = join(root, 'cli', 'jouleops.ts');

export interface Victim {
  name: string;
  /** The agent whose answers may be missing until it is well again. */
  feltBy?: string;
  kill(): Promise<void>;
  start(): Promise<void>;
}

export interface ChaosWorld extends AsyncDisposable {
  client: Client;
  directory: string;
  agents: { name: string; url: string; process: ManagedProcess }[];
  victims: Victim[];
}

/** Everything runs and both devices have joined when this resolves. */
export async function startChaosWorld(startServer: ChaosServer['start'], signal: AbortSignal): Promise<ChaosWorld> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'jouleops-chaos-'));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const server = await startServer();
  stack.defer(() => server.close());
  const kubeconfig = join(directory, 'kubeconfig');
  await writeFile(kubeconfig, await server.kubeconfig(), { mode: 0o600 });
  const client = createClient(server.admin);
  stack.defer(() => client.close());
  await prepareModel(client, signal);
  const conditions = watchConditions(client);
  stack.defer(() => conditions.close());

  const controller = await controllerOf(directory, kubeconfig);
  stack.defer(() => controller.kill());
  controller.start();
  const tokenFile = join(directory, 'join-token');
  await eventually(async () => {
    const token = await runCommand(process.execPath, [entry, 'device', 'token', '--kubeconfig', kubeconfig]);
    if (token.code !== 0) throw new Error(token.stderr);
    await writeFile(tokenFile, token.stdout, { mode: 0o600 });
  }, 30);

  const agents: ChaosWorld['agents'] = [];
  for (const name of agentNames) {
    const port = await freePort();
    const process = await agentOf(directory, { name, port, tokenFile });
    stack.defer(() => process.kill());
    process.start();
    agents.push({ name, url: `http://127.0.0.1:${port}`, process });
  }
  const victims: Victim[] = [
    { name: 'server', kill: () => server.kill(), start: () => server.run() },
    { name: controller.name, kill: () => controller.kill(), start: async () => controller.start() },
    ...agents.flatMap(({ name, process }) => [
      { name, feltBy: name, kill: () => process.kill(), start: async () => process.start() },
      { name: `a model on ${name}`, feltBy: name, kill: () => killModel(process), start: async () => undefined },
    ]),
  ];
  const owned = stack.move();
  return { client, directory, agents, victims, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** One of those that it serves; which one is as good as random. */
async function killModel(agent: ManagedProcess): Promise<void> {
  const [model] = await agent.children();
  if (model !== undefined) process.kill(model, 'SIGKILL');
}

/** A model that the predictor of the simulated board was fitted on: admitted without a test on the device. */
async function prepareModel(client: Client, signal: AbortSignal): Promise<void> {
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: chaosNamespace } }, { signal });
  const card = parse(await readFile(join(root, 'model_store/nas-cell/1/model.yaml'), 'utf8')) as {
    variants: [{ digest: string }];
  };
  const sources = [{ uri: 'store://nas-cell/1/model.onnx' }];
  for (const name of ['first', 'second']) {
    const version: ModelVersion = {
      apiVersion: 'jouleops.dev/v1alpha1',
      kind: 'ModelVersion',
      metadata: { name, namespace: chaosNamespace },
      spec: {
        family: 'nas-cell',
        version: name === 'first' ? '1.0.0' : '2.0.0',
        variants: [{ name: 'fp32', digest: card.variants[0].digest, sources }],
      },
    };
    await client.create(modelVersions, version, { signal });
  }
}

async function controllerOf(directory: string, kubeconfig: string): Promise<ManagedProcess> {
  // Ports that stay: agents know the device port from when they joined.
  const ports = ['--web-port', String(await freePort()), '--device-port', String(await freePort())];
  const data = ['--kubeconfig', kubeconfig, '--data-dir', join(directory, 'controller')];
  return new ManagedProcess('controller', {
    args: [entry, 'controller', '--no-leader-elect', ...data, ...ports, '--model-store', join(root, 'model_store')],
    logFile: join(directory, 'controller.log'),
  });
}

async function agentOf(
  directory: string,
  { name, port, tokenFile }: { name: string; port: number; tokenFile: string },
): Promise<ManagedProcess> {
  const data = join(directory, name);
  await mkdir(data, { mode: 0o700 });
  const identity = ['--name', name, '--data-dir', data, '--join-token-file', tokenFile];
  return new ManagedProcess(name, {
    args: [entry, 'agent', ...identity, '--port', String(port), '--simulate', 'raspberry-pi-5'],
    logFile: join(directory, `${name}.log`),
  });
}
