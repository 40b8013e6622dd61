// Three controllers as processes, each behind a proxy of its own that writes down what it writes.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ModelDeployment } from '../../../crds/model-deployment.ts';
import { devicesNamespace, systemNamespace } from '../../../crds/names.ts';
import { modelDeployments } from '../../../crds/resources.ts';
import { isAlreadyExists } from '../../../kube/api/api-error.ts';
import { leases, namespaces } from '../../../kube/api/builtins.ts';
import type { Client } from '../../../kube/api/client.ts';
import type { Connection } from '../../../kube/api/connection.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import { watchConditions } from '../condition-watch.ts';
import { createTestAuthority } from '../control-plane/certificates.ts';
import { kubeconfigOf } from '../control-plane/kubeconfig.ts';
import { ControllerProcess, writeKubeconfig } from '../controller-process.ts';
import { eventually } from '../eventually.ts';
import { FaultProxy, type ProxiedCall } from '../fault-proxy.ts';

export interface Replica {
  process: ControllerProcess;
  proxy: FaultProxy;
}

/** A change that a replica made; heartbeats of the election itself are none. */
export interface Write {
  replica: Replica;
  at: number;
  what: string;
}

export class ElectionFleet implements AsyncDisposable {
  readonly client: Client;
  readonly replicas: Replica[] = [];
  readonly writes: Write[] = [];
  readonly reads: Write[] = [];
  readonly #admin: Connection;
  readonly #signal: AbortSignal;
  readonly #stack = new AsyncDisposableStack();
  #folder = '';
  #deployments = 0;
  #author = new AbortController();
  #writing: Promise<void> = Promise.resolve();

  constructor(admin: Connection, signal: AbortSignal) {
    this.#admin = admin;
    this.#signal = signal;
    this.client = createClient(admin);
    this.#stack.defer(() => this.client.close());
    const conditions = watchConditions(this.client);
    this.#stack.defer(() => conditions.close());
  }

  /** `deployments` objects for the controllers to reconcile. */
  async prepare(deployments: number): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), 'jouleops-election-'));
    this.#stack.defer(() => rm(this.#folder, { recursive: true, force: true }));
    for (const name of [systemNamespace, devicesNamespace, 'elected']) {
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } as const;
      await this.client.create(namespaces, namespace, { signal: this.#signal }).catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error;
      });
    }
    this.#deployments = deployments;
    for (let index = 0; index < deployments; index += 1) {
      await this.client.create(modelDeployments, deployment(`d${index}`), { signal: this.#signal });
    }
  }

  /** One more controller, as a Deployment would start it. Its caches are complete when this resolves. */
  async start(): Promise<Replica> {
    const authority = await createTestAuthority('fault-proxy');
    const proxy = await FaultProxy.start({ upstream: this.#admin, serving: await authority.issueServer(['127.0.0.1']) });
    this.#stack.defer(() => proxy.close());
    const text = kubeconfigOf({ server: proxy.url, caPem: authority.certificatePem, token: 'the proxy knows its own' });
    const file = await writeKubeconfig(join(this.#folder, `kubeconfig-${new URL(proxy.url).port}`), text);
    const process = await ControllerProcess.start({ kubeconfig: file });
    this.#stack.defer(() => process.remove());
    const replica = { process, proxy };
    proxy.onAnswer = (call) => this.#note(replica, call);
    this.replicas.push(replica);
    await eventually(async () => {
      if (!(await this.isReady(replica))) throw new Error(`not ready:\n${process.logTail()}`);
    }, 30);
    return replica;
  }

  /** The replica whose process the lease names. */
  async leader(): Promise<Replica> {
    const lease = await this.client.get(
      leases,
      { namespace: systemNamespace, name: 'jouleops-controller' },
      { signal: this.#signal },
    );
    const holder = lease.spec?.holderIdentity ?? '';
    const leader = this.replicas.find(({ process }) => holder.split('_').includes(String(process.child.pid)));
    if (!leader) throw new Error(`the lease is held by ${JSON.stringify(holder)}`);
    return leader;
  }

  async isReady({ process }: Replica): Promise<boolean> {
    const { web } = await process.answers();
    return (await fetch(`${web}/readyz`)).ok;
  }

  /** Changes a deployment ten times a second, as people do, until `rest`. */
  keepChanging(): void {
    const { signal } = this.#author;
    const change = async () => {
      for (let count = 1; !signal.aborted; count += 1) {
        const key = { namespace: 'elected', name: `d${count % this.#deployments}` };
        const body = { spec: { priority: count % 1000 } };
        await this.client.patch(modelDeployments, key, { kind: 'merge', body }, { signal: this.#signal });
        await delay(100, undefined, { signal }).catch(() => undefined);
      }
    };
    this.#writing = change();
  }

  async rest(): Promise<void> {
    this.#author.abort();
    await this.#writing;
  }

  /** Deployments whose status is of another generation than their spec. */
  async behind(): Promise<string[]> {
    const { items } = await this.client.list(modelDeployments, { namespace: 'elected', signal: this.#signal });
    return items
      .filter(({ metadata, status }) => status?.observedGeneration !== metadata.generation)
      .map(({ metadata, status }) => `${metadata.name}: ${status?.observedGeneration} of ${metadata.generation}`);
  }

  writesOf(replica: Replica, after = 0): Write[] {
    return this.writes.filter((write) => write.replica === replica && write.at > after);
  }

  /** Who wrote, in the order of writing, each name once per turn. One who lost the lead and writes again would be there twice. */
  turns(): number[] {
    const ordered = this.writes.toSorted((a, b) => a.at - b.at).map(({ replica }) => this.replicas.indexOf(replica));
    return ordered.filter((replica, index) => replica !== ordered[index - 1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rest();
    await this.#stack.disposeAsync();
  }

  #note(replica: Replica, call: ProxiedCall): void {
    const entry = { replica, at: call.at, what: `${call.method} ${call.path} ${call.status}` };
    const ownPart = call.path.includes(`/namespaces/${systemNamespace}/`); // its lease, its certificate authority
    if (call.method === 'GET') this.reads.push(entry);
    else if (!ownPart && (call.status ?? 500) < 300) this.writes.push(entry);
  }
}

function deployment(name: string): ModelDeployment {
  return {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name, namespace: 'elected' },
    spec: {
      modelVersionName: 'not-there-yet',
      budget: { energyPerInference: '80mJ' },
      placement: { replicas: 1 },
    },
  };
}
