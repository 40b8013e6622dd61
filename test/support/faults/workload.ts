// What runs while faults happen: writers, a controller that copies every object, two candidates for one lease, and an observer
// whose own connection has no faults.
import { type ConfigMap, configMaps, namespaces } from '../../../kube/api/builtins.ts';
import type { Client } from '../../../kube/api/client.ts';
import type { Connection } from '../../../kube/api/connection.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import { keyOf, parseKey } from '../../../kube/api/resource.ts';
import { Reflector } from '../../../kube/cache/reflector.ts';
import { runWithLeadership } from '../../../kube/election/leader-election.ts';
import type { Clock } from '../../../kube/runtime/clock.ts';
import { type Controller, createController } from '../../../kube/runtime/controller.ts';
import { Expectations } from '../../../kube/runtime/expectations.ts';
import type { ReconnectCause, RelistCause } from '../../../kube/runtime/metrics.ts';
import { RecordedMetrics } from '../recorded-metrics.ts';
import { silentLogger } from '../silent-logger.ts';
import { Ledger, writtenValue } from './ledger.ts';

export const faultsNamespace = 'faults';
const writers = 4;
const objectsPerWriter = 4;
const spares = 2;
/** Calls that can be under way together: writers, workers of the copier, candidates, watches. */
export const mostCalls = writers + 4 + 2 + 2;
const relistCauses: readonly RelistCause[] = ['expired', 'malformed', 'failing', 'periodic'];
const reconnectCauses: readonly ReconnectCause[] = ['ended', 'stalled', 'error', 'unreachable'];

export class Workload implements AsyncDisposable {
  readonly ledger: Ledger;
  readonly metrics = new RecordedMetrics();
  mostLeaders = 0;
  readonly #client: Client;
  readonly #direct: Client;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #source: Reflector<ConfigMap>;
  readonly #copies: Reflector<ConfigMap>;
  readonly #controller: Controller;
  readonly #leading = new Set<string>();
  readonly #stopping = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(connections: { proxied: Connection; direct: Connection }, deps: { clock: Clock; random: () => number }) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    const names = Array.from({ length: writers * objectsPerWriter + spares }, (_, index) => `s${index}`);
    this.ledger = new Ledger(faultsNamespace, names);
    this.#direct = createClient(connections.direct, { clock: deps.clock });
    // A silent watch is cut after a second, so that a stall shows in a test that lasts two.
    this.#client = createClient(connections.proxied, { clock: deps.clock, inactivitySeconds: 1 });
    this.#source = this.#reflect(this.#client, 'source', this.metrics);
    this.#copies = this.#reflect(this.#client, 'copy', this.metrics);
    this.#controller = this.#copier();
  }

  async start(): Promise<void> {
    const { signal } = this.#stopping;
    const metadata = { name: faultsNamespace };
    await this.#direct.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata }, { signal });
    // There before the first fault: otherwise writers fail on what nobody has made yet.
    for (const name of this.ledger.names) await this.ledger.write(this.#direct, name, 0, signal);
    const observer = this.#reflect(this.#direct, 'source', undefined);
    observer.onChange((change) => this.ledger.observe(change));
    this.#running = Promise.all([
      observer.run(signal),
      this.#source.run(signal),
      this.#copies.run(signal),
      this.#controller.run(signal),
      ...['one', 'two'].map((identity) => this.#stand(identity)),
    ]);
    await Promise.all([this.#source.synced, this.#copies.synced, observer.synced]);
  }

  /** Writes without pause until the signal aborts; resolves when the last call has ended. */
  async write(signal: AbortSignal): Promise<void> {
    const all = this.#stopping.signal;
    const work = async (writer: number) => {
      for (let count = 0; !signal.aborted; count += 1) {
        const name = `s${writer * objectsPerWriter + (count % objectsPerWriter)}`;
        await this.ledger.write(this.#client, name, this.#random(), AbortSignal.any([all, AbortSignal.timeout(20_000)]));
        await this.#clock.sleep(10, all);
      }
    };
    await Promise.all(Array.from({ length: writers }, (_, writer) => work(writer)));
  }

  /** Throws what is still behind. */
  async mustHaveConverged(): Promise<void> {
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(5_000)]);
    const { items } = await this.#direct.list(configMaps, { namespace: faultsNamespace, signal });
    const stored = new Map(items.map((item) => [item.metadata.name, item]));
    const behind: string[] = [];
    for (const reflector of [this.#source, this.#copies]) {
      for (const object of reflector.store.list()) {
        const now = stored.get(object.metadata.name);
        if (now?.metadata.resourceVersion !== object.metadata.resourceVersion) behind.push(`cache of ${object.metadata.name}`);
      }
    }
    for (const name of this.ledger.names) {
      const source = stored.get(name);
      if (!source) continue;
      if (!this.#source.store.get(keyOf(source))) behind.push(`cache lacks ${name}`);
      const copy = stored.get(`copy-of-${name}`);
      if (copy === undefined || writtenValue(copy) !== writtenValue(source)) behind.push(`copy of ${name}`);
    }
    const { queue } = this.#controller;
    if (queue.length + queue.delayed > 0) behind.push(`${queue.length} queued and ${queue.delayed} waiting keys`);
    if (this.#leading.size !== 1) behind.push(`${this.#leading.size} leaders`);
    if (behind.length > 0) throw new Error(`not converged: ${behind.join(', ')}`);
  }

  judge() {
    return this.ledger.judge(this.#direct, this.#stopping.signal);
  }

  /** Lists and watches that the caches had to begin anew. */
  repairs(): { relists: number; reconnects: number } {
    const resource = 'configmaps';
    const total = (values: number[]) => values.reduce((sum, value) => sum + value, 0);
    return {
      relists: total(relistCauses.map((cause) => this.metrics.value('watch_relists_total', { resource, cause }))),
      reconnects: total(reconnectCauses.map((cause) => this.metrics.value('watch_reconnects_total', { resource, cause }))),
    };
  }

  /** An object that no writer writes. */
  spareName(random: number): string {
    return `s${writers * objectsPerWriter + Math.floor(random * spares)}`;
  }

  /** Deletes a source and makes it anew beside the faults, as another user would. */
  async recreateBeside(name: string): Promise<void> {
    const { signal } = this.#stopping;
    if (!(await this.ledger.write(this.#direct, name, 0.99, signal))) await this.ledger.write(this.#direct, name, 0, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Error('the test is over'));
    await this.#running.catch(() => undefined);
    await Promise.all([this.#client.close(), this.#direct.close()]);
  }

  #reflect(client: Client, role: string, metrics: RecordedMetrics | undefined): Reflector<ConfigMap> {
    const deps = { client, clock: this.#clock, logger: silentLogger, ...(metrics === undefined ? {} : { metrics }) };
    return new Reflector<ConfigMap>(deps, configMaps, { namespace: faultsNamespace, labelSelector: `role=${role}` });
  }

  #copier(): Controller {
    const expectations = new Expectations({ store: this.#copies.store, clock: this.#clock });
    const controller = createController(
      { clock: this.#clock, logger: silentLogger },
      {
        name: 'copier',
        workers: 4,
        synced: [this.#source.synced, this.#copies.synced],
        reconcile: async (key, signal) => {
          const source = this.#source.store.get(key);
          if (!source) return { kind: 'done' };
          if (!expectations.satisfied(key)) {
            return { kind: 'requeueAfter', seconds: 0.05, reason: 'CacheBehind', message: 'own write not seen yet' };
          }
          const name = `copy-of-${parseKey(key).name}`;
          const metadata = { namespace: faultsNamespace, name, labels: { role: 'copy' } };
          if (this.#copies.store.get(`${faultsNamespace}/${name}`)?.data?.['v'] === source.data?.['v']) return { kind: 'done' };
          const applied = { metadata, data: source.data ?? {} };
          expectations.expectWrite(key, await this.#client.apply(configMaps, applied, { signal, fieldManager: 'copier' }));
          return { kind: 'done' };
        },
      },
    );
    this.#source.onChange(({ object }) => controller.queue.add(keyOf(object)));
    this.#copies.onChange(({ object }) =>
      controller.queue.add(`${faultsNamespace}/${object.metadata.name.replace('copy-of-', '')}`),
    );
    return controller;
  }

  /** Stands again and again, as a process does that its supervisor starts anew. */
  async #stand(identity: string): Promise<void> {
    const { signal } = this.#stopping;
    const times = { leaseSeconds: 3, renewSeconds: 2, retrySeconds: 0.3 };
    const options = { namespace: faultsNamespace, name: 'lock', identity, ...times };
    const lead = (leading: AbortSignal) => {
      this.#leading.add(identity);
      this.mostLeaders = Math.max(this.mostLeaders, this.#leading.size);
      return new Promise<void>((resolve) => leading.addEventListener('abort', () => resolve(), { once: true }));
    };
    while (!signal.aborted) {
      await runWithLeadership({ client: this.#client, clock: this.#clock, logger: silentLogger }, options, lead, signal).catch(
        () => undefined, // lost: stands again
      );
      this.#leading.delete(identity);
    }
  }
}
