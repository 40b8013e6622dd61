// A whole fleet for measuring: API server, controller and stub agents in processes of their own; this process only declares and watches.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { devicesNamespace, deviceUserName, systemNamespace } from '../../../crds/names.ts';
import { deviceClasses, edgeDevices, modelVersions } from '../../../crds/resources.ts';
import { isAlreadyExists } from '../../../kube/api/api-error.ts';
import { leases, namespaces } from '../../../kube/api/builtins.ts';
import type { Client } from '../../../kube/api/client.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { WorkerProcess } from '../harness/worker-process.ts';
import type { CallsByKind } from '../processes/api-calls.ts';
import type { ControllerOrder } from '../processes/controller.ts';
import type { StubsOrder } from '../processes/stubs.ts';
import type { BenchServer } from './api-servers.ts';
import { DeploymentWatch } from './deployment-watch.ts';
import { deviceClassName, deviceStatus, modelVersion, namespace, numbered, versionNames } from './objects.ts';
import { fromWire } from './wire-connection.ts';

export interface FleetOptions {
  server: BenchServer;
  agents: number;
  /** So many keep the connection for their calls as the product does; the rest close it after use. All when absent. */
  keeping?: number;
  note: (text: string) => void;
  signal: AbortSignal;
}

/** Stubs of one process: all of them keep their connections alike. */
interface StubProcess {
  worker: WorkerProcess;
  agents: number;
  keeps: boolean;
}

/** A stub takes some 250 kB; one process of them uses one core. */
const stubsPerProcess = 2500;
/** Over all processes; a controller lets in 64 at a time. */
const joinsAtOnce = 48;
/** Of a stub that does not keep the connection for its calls. */
const shortIdleSeconds = 1;

export class Fleet implements AsyncDisposable {
  readonly server: BenchServer;
  readonly client: Client;
  readonly deployments: DeploymentWatch;
  readonly stubs: StubProcess[] = [];
  controller: WorkerProcess;
  readonly #directory: string;
  readonly #stopping = new AbortController();
  readonly #signal: AbortSignal;
  webUrl = '';
  #devicePort = 0;
  readonly #note: (text: string) => void;

  private constructor(options: FleetOptions, directory: string) {
    this.server = options.server;
    this.#directory = directory;
    this.#note = options.note;
    this.#signal = options.signal;
    this.client = createClient(fromWire(options.server.connection), { userAgent: 'jouleops-bench' });
    this.controller = WorkerProcess.start('controller.ts');
    const deps = { client: this.client, clock: systemClock, logger: pino({ level: 'silent' }) };
    this.deployments = new DeploymentWatch(deps, this.#stopping.signal);
  }

  /** Ready when every stub's device is Ready and both versions of the model are. */
  static async start(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options, await mkdtemp(join(tmpdir(), 'jouleops-bench-')));
    try {
      await fleet.#createNamespaces();
      await fleet.startController();
      await fleet.#declareModels();
      await fleet.#startStubs(options.agents, options.keeping ?? options.agents);
      await fleet.deployments.synced;
      return fleet;
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
  }

  async startController(): Promise<{ webUrl: string }> {
    const order = { dataDirectory: this.#directory, connection: this.server.connection, devicePort: this.#devicePort };
    const started = await this.controller.call<{ webUrl: string; devicePort: number }>('start', order satisfies ControllerOrder);
    this.#devicePort = started.devicePort;
    this.webUrl = started.webUrl;
    return started;
  }

  /** The same controller again, from its directory. */
  async restartController(): Promise<{ webUrl: string; pid: number }> {
    await this.controller.stop();
    this.controller = WorkerProcess.start('controller.ts');
    return { ...(await this.startController()), pid: this.controller.pid };
  }

  async #createNamespaces(): Promise<void> {
    for (const name of [namespace, devicesNamespace, systemNamespace]) {
      const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
      await unlessExists(this.client.create(namespaces, object, { signal: this.#signal }));
    }
  }

  async #declareModels(): Promise<void> {
    const signal = this.#signal;
    for (const name of versionNames) await unlessExists(this.client.create(modelVersions, modelVersion(name), { signal }));
    await eventually(async () => {
      for (const name of versionNames) {
        const { status } = await this.client.get(modelVersions, { namespace, name }, { signal });
        if (findCondition(status?.conditions, 'Ready')?.status !== 'True') throw new Error(`${name} is not Ready`);
      }
    }, 60);
  }

  async #startStubs(count: number, keeping: number): Promise<void> {
    const names = Array.from({ length: count }, (_, index) => numbered('device', index));
    const shared = { deviceClassName, status: deviceStatus, heartbeatSeconds: 60 };
    const started = performance.now();
    let access: Pick<StubsOrder, 'joinToken' | 'connection'>;
    if (this.server.kind === 'embedded') access = { joinToken: await this.controller.call<string>('joinToken') };
    else {
      await this.#createDevices(names);
      access = { connection: this.server.connection };
    }
    const groups = [
      ...shares(names.slice(0, keeping), stubsPerProcess).map((group) => ({ group, keeps: true })),
      ...shares(names.slice(keeping), stubsPerProcess).map((group) => ({ group, keeps: false })),
    ];
    const atOnce = Math.ceil(joinsAtOnce / groups.length);
    await Promise.all(
      groups.map(async ({ group, keeps }) => {
        const worker = WorkerProcess.start('stubs.ts');
        this.stubs.push({ worker, agents: group.length, keeps });
        const idle = keeps ? {} : { idleSeconds: shortIdleSeconds };
        await worker.call('start', { names: group, atOnce, ...shared, ...access, ...idle } satisfies StubsOrder);
      }),
    );
    const joined = (performance.now() - started) / 1000;
    this.#note(`  ${count} stub agents have joined after ${joined.toFixed(1)} s`);
    await eventually(
      async () => {
        const ready = await this.#readyDevices();
        if (ready < count) throw new Error(`${ready} of ${count} devices are Ready`);
      },
      300,
      // A look lists every device: it must not be what keeps the server busy.
      Math.max(500, count),
    );
    this.#note(`  ${count} stub agents are Ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  }

  /** What joining would have left behind, where nobody signs certificates. */
  async #createDevices(names: readonly string[]): Promise<void> {
    const signal = this.#signal;
    const deviceClass = {
      apiVersion: 'jouleops.dev/v1alpha1',
      kind: 'DeviceClass',
      metadata: { name: deviceClassName },
      spec: { simulatedFrom: deviceClassName.replace('-simulated', '') },
    };
    await unlessExists(this.client.create(deviceClasses, deviceClass, { signal }));
    await inParallel(names, 16, async (name) => {
      const device = { apiVersion: 'jouleops.dev/v1alpha1', kind: 'EdgeDevice', metadata: { name }, spec: { deviceClassName } };
      await this.client.create(edgeDevices, device, { signal });
      const lease = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name, namespace: devicesNamespace },
        spec: { holderIdentity: deviceUserName(name) },
      };
      await this.client.create(leases, lease, { signal });
    });
  }

  async #readyDevices(): Promise<number> {
    let ready = 0;
    let next: string | undefined;
    do {
      const page = await this.client.list(edgeDevices, {
        signal: this.#signal,
        limit: 500,
        ...(next === undefined ? {} : { continue: next }),
      });
      ready += page.items.filter(({ status }) => findCondition(status?.conditions, 'Ready')?.status === 'True').length;
      next = page.metadata.continue;
    } while (next);
    return ready;
  }

  /** Of the stubs that keep their connections as the product does, TLS included. */
  async traffic(): Promise<{ read: number; written: number; connections: number; agents: number }> {
    const total = { read: 0, written: 0, connections: 0, agents: 0 };
    for (const { worker, agents, keeps } of this.stubs) {
      if (!keeps) continue;
      const one = await worker.call<{ read: number; written: number; connections: number }>('traffic');
      for (const key of ['read', 'written', 'connections'] as const) total[key] += one[key];
      total.agents += agents;
    }
    return total;
  }

  /** Of all stubs, since this was last asked. */
  async stubCalls(): Promise<CallsByKind> {
    const counts = new Map<string, number>();
    for (const { worker } of this.stubs)
      for (const [name, count] of await worker.call<CallsByKind>('calls')) counts.set(name, (counts.get(name) ?? 0) + count);
    return [...counts];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Error('the benchmark is over'));
    await Promise.all(this.stubs.map(({ worker }) => worker.stop()));
    await this.controller.stop();
    await this.client.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Of about equal size, none above `largest`. */
function shares<T>(items: readonly T[], largest: number): T[][] {
  const count = Math.ceil(items.length / largest);
  const size = Math.ceil(items.length / Math.max(1, count));
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}

async function unlessExists(creation: Promise<unknown>): Promise<void> {
  await creation.catch((error: unknown) => {
    if (!isAlreadyExists(error)) throw error;
  });
}

export async function inParallel<T>(items: readonly T[], workers: number, act: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const work = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await act(item);
  };
  await Promise.all(Array.from({ length: workers }, work));
}
