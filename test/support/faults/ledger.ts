// What was written, what was acknowledged, and what an observer beside the faults saw: so that no write can get lost or come back.
import { type ConfigMap, configMaps } from '../../../kube/api/builtins.ts';
import type { Client } from '../../../kube/api/client.ts';
import type { Change } from '../../../kube/cache/change.ts';

interface Entry {
  /** The last value that the server took, as it said. */
  acknowledged: number;
  /** The last value that was sent; every value is greater than all before it. */
  attempted: number;
  /** What the observer saw last. */
  seen: number;
  /** A deletion was sent after the last acknowledged value. */
  removing: boolean;
}

export interface Verdict {
  /** Acknowledged, and not there. */
  lost: string[];
  /** There, and never sent; or an older value seen after a newer one. */
  wrong: string[];
}

export class Ledger {
  readonly names: readonly string[];
  readonly #namespace: string;
  readonly #entries = new Map<string, Entry>();
  readonly #backwards: string[] = [];
  acknowledged = 0;
  failed = 0;

  constructor(namespace: string, names: readonly string[]) {
    this.#namespace = namespace;
    this.names = names;
    for (const name of names) this.#entries.set(name, { acknowledged: 0, attempted: 0, seen: 0, removing: false });
  }

  /** Sends the next value of one object in one of the ways that clients have. Only one write per object at a time. */
  async write(client: Client, name: string, choice: number, signal: AbortSignal): Promise<boolean> {
    const entry = this.#entry(name);
    entry.attempted += 1;
    const value = entry.attempted;
    try {
      await this.#send(client, name, value, choice, signal);
      entry.acknowledged = value;
      entry.removing = false;
      this.acknowledged += 1;
      return true;
    } catch {
      this.failed += 1; // it may have happened or not: the next value settles it
      return false;
    }
  }

  /** To be told of every change by a cache that no fault touches. */
  observe({ kind, object }: Change<ConfigMap>): void {
    const entry = this.#entries.get(object.metadata.name);
    if (!entry || kind === 'deleted') return;
    const value = writtenValue(object);
    if (value < entry.seen) this.#backwards.push(`${object.metadata.name} went from ${entry.seen} back to ${value}`);
    entry.seen = value;
  }

  async judge(direct: Client, signal: AbortSignal): Promise<Verdict> {
    const { items } = await direct.list(configMaps, { namespace: this.#namespace, labelSelector: 'role=source', signal });
    const stored = new Map(items.map((item) => [item.metadata.name, writtenValue(item)]));
    const verdict: Verdict = { lost: [], wrong: [...this.#backwards] };
    for (const [name, { acknowledged, attempted, removing }] of this.#entries) {
      const value = stored.get(name);
      if (value === undefined && removing) continue;
      if (value === undefined) {
        if (acknowledged > 0) verdict.lost.push(`${name} is gone, acknowledged was ${acknowledged}`);
        continue;
      }
      if (value < acknowledged) verdict.lost.push(`${name} is ${value}, acknowledged was ${acknowledged}`);
      if (value > attempted) verdict.wrong.push(`${name} is ${value}, only ${attempted} were sent`);
    }
    return verdict;
  }

  async #send(client: Client, name: string, value: number, choice: number, signal: AbortSignal): Promise<void> {
    const key = { namespace: this.#namespace, name };
    const object = { metadata: { ...key, labels: { role: 'source' } }, data: { v: String(value) } };
    if (choice < 0.5) {
      await client.apply(configMaps, object, { signal, fieldManager: 'ledger' });
    } else if (choice < 0.7) {
      await client.patch(configMaps, key, { kind: 'merge', body: { data: object.data } }, { signal, fieldManager: 'ledger' });
    } else if (choice < 0.9) {
      const current = await client.get(configMaps, key, { signal });
      await client.replace(configMaps, { ...current, data: object.data }, { signal, fieldManager: 'ledger' });
    } else {
      this.#entry(name).removing = true;
      await client.delete(configMaps, key, { signal });
      await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', ...object }, { signal, fieldManager: 'ledger' });
    }
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (!entry) throw new Error(`the ledger has no ${name}`);
    return entry;
  }
}

export function writtenValue(object: ConfigMap): number {
  return Number(object.data?.['v'] ?? 0);
}
