// A control plane for agents under test: an API server and the controller's device port, no reconcilers. The test writes what they would.
import 'reflect-metadata';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { destination, pino } from 'pino';
import type { AgentOptions, AgentReadiness } from '../../../agent/options.ts';
import { runAgent } from '../../../agent/run.ts';
import { ArtifactStore } from '../../../controller/artifacts/store.ts';
import { loadCertificateAuthority } from '../../../controller/device-port/certificate-authority.ts';
import { join } from '../../../controller/device-port/join.ts';
import { mintJoinToken } from '../../../controller/device-port/join-tokens.ts';
import { startDevicePort } from '../../../controller/device-port/server.ts';
import { digestOf } from '../../../crds/digest.ts';
import type { EdgeDevice } from '../../../crds/edge-device.ts';
import type { ModelInstance, ModelInstanceSpec, Slot } from '../../../crds/model-instance.ts';
import { systemNamespace } from '../../../crds/names.ts';
import { deviceClasses, edgeDevices, modelInstances } from '../../../crds/resources.ts';
import { isAlreadyExists } from '../../../kube/api/api-error.ts';
import { namespaces } from '../../../kube/api/builtins.ts';
import type { Client } from '../../../kube/api/client.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import type { Stored } from '../../../kube/api/objects.ts';
import { type Clock, systemClock } from '../../../kube/runtime/clock.ts';
import { type ApiServerUnderTest, startApiServerUnderTest } from '../../support/api-server-under-test.ts';
import { watchConditions } from '../../support/condition-watch.ts';
import { eventually } from '../../support/eventually.ts';

export const fixtures = path.join(import.meta.dirname, 'fixtures');
const logger = pino({ level: process.env['TEST_LOG'] ?? 'silent' }, destination({ dest: 2, sync: true }));
const clock = systemClock;
export const namespace = 'factory';

export interface World extends AsyncDisposable {
  client: Client;
  directory: string;
  apiServer: WorldServer;
  joinToken(): Promise<string>;
  addArtifact(file: string | Uint8Array): Promise<{ digest: string; size: number }>;
  slot(file: string, revision: string, more?: Partial<Slot>): Promise<Slot>;
  /** Creates or replaces the slots of an instance, and lists it on its device. */
  assign(deviceName: string, name: string, spec: Partial<ModelInstanceSpec>): Promise<Stored<ModelInstance>>;
  unassign(deviceName: string): Promise<void>;
  instance(name: string): Promise<Stored<ModelInstance>>;
  device(name: string): Promise<Stored<EdgeDevice>>;
  startAgent(options?: Partial<AgentOptions>, agentClock?: Clock): Promise<RunningAgent>;
  /** The API server and the device port go away. */
  goDark(): Promise<void>;
}

export interface RunningAgent extends AsyncDisposable {
  url: string;
  readiness: AgentReadiness;
  options: AgentOptions;
  stop(): Promise<void>;
}

type ApiServerAddress = { url: string; certificateAuthority: string };
type WorldServer = Omit<ApiServerUnderTest, 'client' | 'kubeconfig'>;

/**
 * @param through where agents are sent instead of the API server itself, such as a switch in front of it; read again for every join.
 * @param start the API server; the one under test unless told.
 */
export async function createWorld(
  through: (apiServer: ApiServerAddress) => Promise<ApiServerAddress> = async (apiServer) => apiServer,
  start: () => Promise<WorldServer> = startApiServerUnderTest,
): Promise<World> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-agent-test-'));
  const stopping = new AbortController();
  const { signal } = stopping;
  const server = await start();
  const client = createClient(server.admin);
  const conditions = watchConditions(client);
  const authority = await loadCertificateAuthority({ client, clock }, systemNamespace, signal);
  const store = await ArtifactStore.open({
    directory: path.join(directory, 'store'),
    quotaBytes: 1e9,
    referenced: () => new Set(),
  });
  let portNumber = 0;
  const ensureSimulatedClass = async (name: string): Promise<undefined> => {
    const simulatedFrom = name.replace(/-simulated$/, '');
    await client
      .create(
        deviceClasses,
        { apiVersion: 'jouleops.dev/v1alpha1', kind: 'DeviceClass', metadata: { name }, spec: { simulatedFrom } },
        { signal },
      )
      .catch(unlessExists);
  };
  const reached = await through({ url: server.url, certificateAuthority: server.certificateAuthority });
  const options = {
    systemNamespace,
    apiServer: async () => reached,
    artifacts: () => ({ url: `https://127.0.0.1:${portNumber}`, certificateAuthority: authority.certificate }),
    ensureSimulatedClass,
  };
  const port = await startDevicePort(
    {
      clock,
      logger,
      artifacts: store,
      authority,
      clientAuthority: async () => server.clientCertificateAuthority,
      join: (body, caller, joinSignal) => join({ client, clock, logger }, options, body, caller, joinSignal),
    },
    { host: '127.0.0.1', port: 0, names: ['127.0.0.1', 'localhost'] },
    signal,
  );
  portNumber = port.port;
  await client
    .create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { signal })
    .catch(unlessExists);

  const agents = new Set<RunningAgent>();
  let dark = false;
  const goDark = async () => {
    if (dark) return;
    dark = true;
    await port.close();
    await server.close();
  };

  const world: World = {
    client,
    directory,
    apiServer: server,
    joinToken: () =>
      mintJoinToken(
        { client, clock },
        {
          namespace: systemNamespace,
          url: `https://127.0.0.1:${portNumber}`,
          caFingerprint: authority.fingerprint,
          validSeconds: 3600,
        },
        signal,
      ),
    async addArtifact(file) {
      const bytes = typeof file === 'string' ? await readFile(file) : file;
      const digest = digestOf(bytes);
      await store.put(digest, { maximumBytes: 1e9 }, async () => oneChunk(bytes));
      return { digest, size: bytes.length };
    },
    async slot(file, revision, more = {}) {
      const { digest, size } = await world.addArtifact(path.isAbsolute(file) ? file : path.join(fixtures, file));
      return {
        revision,
        modelVersionName: `model-${revision}`,
        modelVersion: `${revision}.0.0`,
        variant: 'fp32',
        digest,
        size,
        ...more,
      };
    },
    async assign(deviceName, name, spec) {
      const whole = { deviceName, deploymentName: name, deploymentUid: '00000000-0000-0000-0000-000000000001', ...spec };
      await client.apply(
        modelInstances,
        { metadata: { namespace, name }, spec: whole },
        { fieldManager: 'test', force: true, signal },
      );
      const object = await world.instance(name);
      const { uid, generation = 1 } = object.metadata;
      await applyAssigned(deviceName, [{ namespace, name, uid, generation }]);
      return object;
    },
    unassign: (deviceName) => applyAssigned(deviceName, []),
    instance: (name) => client.get(modelInstances, { namespace, name }, { signal }),
    device: (name) => client.get(edgeDevices, { name }, { signal }),
    async startAgent(more = {}, agentClock = clock) {
      const name = more.name ?? 'device-a';
      const token = dark ? undefined : await world.joinToken();
      const whole: AgentOptions = {
        name,
        dataDirectory: path.join(directory, name),
        ...(token === undefined ? {} : { join: { kind: 'JoinToken', token } }),
        windowSeconds: 0.3,
        heartbeatSeconds: 1,
        ...more,
      };
      const agent = await launch(whole, agentClock);
      agents.add(agent);
      return agent;
    },
    goDark,
    async [Symbol.asyncDispose]() {
      await Promise.all([...agents].map((agent) => agent.stop()));
      const [linted] = await Promise.allSettled([conditions.close()]);
      await client.close();
      await goDark();
      stopping.abort();
      await rm(directory, { recursive: true, force: true });
      if (linted.status === 'rejected') throw linted.reason;
    },
  };

  async function applyAssigned(
    deviceName: string,
    assigned: NonNullable<EdgeDevice['status']>['assigned'] & object,
  ): Promise<void> {
    // The agent answers before its board has joined.
    await eventually(() => world.device(deviceName));
    const status = {
      assigned,
      conditions: [
        {
          type: 'Ready',
          status: 'True' as const,
          reason: 'AgentReady',
          message: 'test',
          lastTransitionTime: '2026-01-01T00:00:00Z',
          observedGeneration: 1,
        },
      ],
    };
    await client.applyStatus(
      edgeDevices,
      { metadata: { name: deviceName }, status },
      { fieldManager: 'test-controller', force: true, signal },
    );
  }
  return world;
}

async function launch(options: AgentOptions, agentClock: Clock): Promise<RunningAgent> {
  const stopping = new AbortController();
  const ready = Promise.withResolvers<AgentReadiness>();
  const run = runAgent(
    options,
    { logger: logger.child({ device: options.name }), clock: agentClock, onReady: ready.resolve },
    stopping.signal,
  );
  run.catch(ready.reject);
  const readiness = await ready.promise;
  const stop = async () => {
    stopping.abort();
    await run;
  };
  return { url: readiness.url, readiness, options, stop, [Symbol.asyncDispose]: stop };
}

async function* oneChunk(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

function unlessExists(error: unknown): void {
  if (!isAlreadyExists(error)) throw error;
}

/** One inference of the classifier fixture; the answer's status and body. */
export async function classify(
  url: string,
  model: string,
  values: readonly number[] = [1, 2, 3, 4],
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${url}/v2/models/${model}/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: values }] }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
