// The whole product on one machine: embedded control plane and controller in this process, one child process per agent.
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import type { AgentReadiness } from '../../agent/options.ts';
import { type RunningController, runController } from '../../controller/run.ts';
import { productVersion } from '../../crds/product-version.ts';
import { edgeDevices, modelVersions } from '../../crds/resources.ts';
import type { Client } from '../../kube/api/client.ts';
import { createClient } from '../../kube/api/http-client.ts';
import { systemClock } from '../../kube/runtime/clock.ts';
import { untilAborted } from '../../kube/runtime/until-aborted.ts';
import { type StandaloneServer, startServer } from '../../standalone/server.ts';
import { makeDataDirectory } from '../data-directory.ts';
import { CommandError } from '../exit-codes.ts';
import { parsePort } from '../flags/number.ts';
import { checkSimulatedClass } from '../flags/simulated-class.ts';
import { createLogger } from '../logger.ts';
import { keepHeapSmall } from '../small-heap.ts';
import { superviseAgent } from '../up/agent-process.ts';
import { type Convergence, followConvergence } from '../up/convergence.ts';
import { type Endpoints, writeEndpoints, writeWhole } from '../up/endpoints.ts';
import { checkFleet, declareFleet } from '../up/fleet.ts';
import { parseSimulate, type UpOptions } from '../up/options.ts';
import { Progress } from '../up/progress.ts';
import { RememberedPorts } from '../up/remembered-ports.ts';
import { writeSampleRequest } from '../up/sample-request.ts';
import { formatSummary, pickSample } from '../up/summary.ts';
import { thisMachineName } from '../up/this-machine.ts';

interface UpFlags {
  dataDir: string;
  port: string;
  webPort: string;
  simulate: string;
  fleet?: string;
  once: boolean;
}

const joinSeconds = 600;

export async function up(flags: UpFlags, signal: AbortSignal): Promise<void> {
  keepHeapSmall();
  const options = await parseFlags(flags);
  await makeDataDirectory(options.dataDirectory);
  const logger = createLogger({}, join(options.dataDirectory, 'jouleops.log'));
  const progress = new Progress(process.stdout);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => progress.note('Stopped.'));

  const ports = await RememberedPorts.open(options.dataDirectory);
  const server = await startControlPlane(options, ports, logger);
  stack.defer(() => server.close());
  const kubeconfigPath = join(options.dataDirectory, 'kubeconfig');
  await writeWhole(kubeconfigPath, server.kubeconfig(), 0o600);

  const client = createClient(server.admin, { userAgent: `jouleops-up/${productVersion}` });
  stack.defer(() => client.close());
  const running = new AbortController();
  const both = AbortSignal.any([signal, running.signal]);
  const controller = await startController(options, server, ports, { client, logger }, both);
  stack.defer(async () => {
    running.abort(new Error('the controller is asked to stop'));
    await controller.stopped.catch(() => undefined);
  });
  progress.note(`control plane   ${server.url}`);
  progress.note(`controller      ${controller.webUrl}`);

  const devices = await startAgents(options, controller, ports, progress, both, stack);
  const endpoints: Endpoints = {
    apiServer: server.url,
    web: controller.webUrl,
    devices: await describeDevices(client, devices, both),
  };
  await ports.remember({
    api: server.url,
    web: controller.webUrl,
    devices: controller.devicePortUrl,
    ...Object.fromEntries(devices.map((device) => [`agent ${device.name}`, device.url])),
  });
  await writeEndpoints(options.dataDirectory, endpoints);
  stack.defer(() => rm(join(options.dataDirectory, 'endpoints.json'), { force: true }));
  for (const device of endpoints.devices) {
    progress.note(
      `device          ${device.name} (${device.class}${device.simulated ? ', simulated power' : ''})  ${device.url}`,
    );
  }

  if (options.fleet !== undefined) {
    await declareFleet(client, options.fleet, both);
    progress.note(`fleet           ${options.fleet}\n`);
  }
  const convergence = await Promise.race([
    followConvergence(
      { client, clock: systemClock, logger },
      { expectFleet: options.fleet !== undefined, onProgress: (lines) => progress.update(lines) },
      both,
    ),
    failureOf(controller),
  ]);
  const sample = await sampleOf(options, client, convergence, endpoints, both);
  process.stdout.write(`${formatSummary({ convergence, endpoints, kubeconfigPath, ...(sample ? { sample } : {}) })}`);
  if (options.once) return;
  process.stdout.write('Running. Ctrl-C stops everything; starting again goes on from here.\n');
  await Promise.race([untilAborted(signal), failureOf(controller)]);
  process.stdout.write('\nStopping…\n');
}

async function parseFlags(flags: UpFlags): Promise<UpOptions> {
  const simulated = parseSimulate(flags.simulate);
  for (const { className } of simulated) checkSimulatedClass(className);
  return {
    dataDirectory: resolve(flags.dataDir),
    port: parsePort('--port', flags.port),
    webPort: parsePort('--web-port', flags.webPort),
    simulated,
    once: flags.once,
    ...(flags.fleet === undefined ? {} : { fleet: await checkFleet(flags.fleet) }),
  };
}

async function startControlPlane(options: UpOptions, ports: RememberedPorts, logger: Logger): Promise<StandaloneServer> {
  return startServer({
    dataDirectory: join(options.dataDirectory, 'control-plane'),
    port: await ports.choose('api', options.port),
    logger: logger.child({ part: 'control-plane' }),
  });
}

async function startController(
  options: UpOptions,
  server: StandaloneServer,
  ports: RememberedPorts,
  deps: { client: Client; logger: Logger },
  signal: AbortSignal,
): Promise<RunningController> {
  return runController(
    {
      dataDirectory: join(options.dataDirectory, 'controller'),
      apiServer: { url: server.url, certificateAuthority: server.certificateAuthority },
      web: { port: await ports.choose('web', options.webPort) },
      devicePort: { port: await ports.choose('devices', 0) },
      fleet: { allowPaths: true },
    },
    { client: deps.client, clock: systemClock, logger: deps.logger.child({ part: 'controller' }) },
    signal,
  );
}

async function startAgents(
  options: UpOptions,
  controller: RunningController,
  ports: RememberedPorts,
  progress: Progress,
  signal: AbortSignal,
  stack: AsyncDisposableStack,
): Promise<AgentReadiness[]> {
  const stopping = new AbortController();
  const both = AbortSignal.any([signal, stopping.signal]);
  const stopped: Promise<void>[] = [];
  stack.defer(async () => {
    stopping.abort(new Error('the agents are asked to stop'));
    await Promise.allSettled(stopped);
  });
  const specs = [{ name: thisMachineName() }, ...options.simulated.map(({ name, className }) => ({ name, simulate: className }))];
  return Promise.all(
    specs.map(async (spec) => {
      const agent = await superviseAgent(
        {
          ...spec,
          directory: join(options.dataDirectory, 'devices', spec.name),
          port: await ports.choose(`agent ${spec.name}`, 0),
          joinToken: await controller.mintJoinToken({ validSeconds: joinSeconds }),
        },
        { clock: systemClock, note: (text) => progress.note(text) },
        both,
      );
      stopped.push(agent.stopped);
      return agent.ready;
    }),
  );
}

/** The class is the controller's to say; it has it as soon as the device has joined and said what board it is. */
async function describeDevices(client: Client, devices: AgentReadiness[], signal: AbortSignal): Promise<Endpoints['devices']> {
  return Promise.all(
    devices.map(async (device) => ({
      name: device.name,
      class: device.simulated && device.class !== undefined ? device.class : await classOf(client, device.name, signal),
      simulated: device.simulated,
      url: device.url,
    })),
  );
}

async function classOf(client: Client, name: string, signal: AbortSignal): Promise<string> {
  const deadline = systemClock.monotonic() + 30_000;
  for (;;) {
    const device = await client.get(edgeDevices, { name }, { signal }).catch(() => undefined);
    if (device?.status?.deviceClassName) return device.status.deviceClassName;
    if (systemClock.monotonic() > deadline) {
      throw new CommandError(
        `device ${name} joined no class within 30 s`,
        `see "kubectl describe edev ${name}" and the logs in the data directory`,
      );
    }
    await systemClock.sleep(50, signal);
  }
}

async function sampleOf(options: UpOptions, client: Client, convergence: Convergence, endpoints: Endpoints, signal: AbortSignal) {
  const versions = new Map(
    (await client.list(modelVersions, { signal, limit: 500 })).items.map((version) => [
      `${version.metadata.namespace}/${version.metadata.name}`,
      version,
    ]),
  );
  const goldenOf = (deployment: { metadata: { namespace?: string }; spec: { modelVersionName: string } }) =>
    versions.get(`${deployment.metadata.namespace}/${deployment.spec.modelVersionName}`)?.spec.goldenSet;
  const picked = pickSample(convergence, endpoints, (deployment) => goldenOf(deployment) !== undefined);
  const digest = picked && goldenOf(picked.deployment)?.digest;
  if (!picked || !digest) return undefined;
  const file = join(options.dataDirectory, 'controller', 'artifacts', 'blobs', 'sha256', digest.replace('sha256:', ''));
  return { url: picked.url, file: await writeSampleRequest(options.dataDirectory, file) };
}

async function failureOf(controller: RunningController): Promise<never> {
  await controller.stopped;
  throw new CommandError('the controller stopped by itself', 'read jouleops.log in the data directory');
}
