import type { ModelInstance } from '../../crds/model-instance.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { type Evidence, evidenceOf } from './evidence.ts';

const maximumKept = 4096;

/**
 * What instances have shown since the start, newest last. A candidate that measures over its budget is taken away at once, and its
 * reading with it: who only looked at what is still there would learn from the frugal ones alone.
 */
export class EvidenceLog {
  /** A device that says the time of the same measurement anew does not make it another one. */
  readonly #bySubject = new Map<string, Evidence>();

  /** @returns whether there was anything new. */
  record(instance: Stored<ModelInstance>): boolean {
    const fresh = evidenceOf(instance).filter(({ subject }) => !this.#bySubject.has(subject));
    for (const evidence of fresh) this.#bySubject.set(evidence.subject, evidence);
    for (const subject of this.#bySubject.keys()) {
      if (this.#bySubject.size <= maximumKept) break;
      this.#bySubject.delete(subject);
    }
    return fresh.length > 0;
  }

  of(deviceNames: ReadonlySet<string>): Evidence[] {
    return [...this.#bySubject.values()].filter(({ deviceName }) => deviceNames.has(deviceName));
  }
}
