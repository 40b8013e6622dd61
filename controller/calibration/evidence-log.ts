import type { ModelInstance } from '../../crds/model-instance.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { type Evidence, evidenceOf } from './evidence.ts';

const maximumKept = 4096;

/**
 * What instances have shown since the start, newest last. A candidate that measures over its budget is taken away at once, and its
 * reading with it: who only looked at what is still there would learn from the frugal ones alone.
 */
export class EvidenceLog {
  readonly #byId = new Map<string, Evidence>();

  /** @returns whether there was anything new. */
  record(instance: Stored<ModelInstance>): boolean {
    const fresh = evidenceOf(instance).filter(({ id }) => !this.#byId.has(id));
    for (const evidence of fresh) this.#byId.set(evidence.id, evidence);
    for (const id of this.#byId.keys()) {
      if (this.#byId.size <= maximumKept) break;
      this.#byId.delete(id);
    }
    return fresh.length > 0;
  }

  of(deviceNames: ReadonlySet<string>): Evidence[] {
    return [...this.#byId.values()].filter(({ deviceName }) => deviceNames.has(deviceName));
  }
}
