// The whole product on one machine: embedded control plane and controller in this process, one child process per agent.
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import { writeFileAtomic } from '../../agent/disk/atomic-file.ts';
import { type RunningController, runController } from '../../controller/run.ts';
import { productVersion } from '../../crds/product-version.ts';
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
import { followConvergence } from '../up/convergence.ts';
import { describeDevices, type Endpoints, writeEndpoints } from '../up/endpoints.ts';
import { checkFleet, declareFleet } from '../up/fleet.ts';
import { parseSimulate, type UpOptions } from '../up/options.ts';
import { Progress } from '../up/progress.ts';
import { RememberedPorts } from '../up/remembered-ports.ts';
import { prepareSample } from '../up/sample-request.ts';
import { startAgents } from '../up/start-agents.ts';
import { formatSummary } from '../up/summary.ts';

interface UpFlags {
  dataDir: string;
  port: string;
  webPort: string;
  simulate: string;
  fleet?: string;
  once: boolean;
}

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
  await writeFileAtomic(kubeconfigPath, server.kubeconfig(), 0o600);

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
  const sample = await prepareSample(options.dataDirectory, client, { convergence, endpoints }, both);
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

async function failureOf(controller: RunningController): Promise<never> {
  await controller.stopped;
  throw new CommandError('the controller stopped by itself', 'read jouleops.log in the data directory');
}
