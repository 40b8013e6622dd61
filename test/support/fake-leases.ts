// An API server that holds one Lease, with its optimistic lock, reached by several candidates.
import { ApiError, ConnectionError } from '../../kube/api/api-error.ts';
import type { Lease } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';
import type { KubeObject, Stored } from '../../kube/api/objects.ts';

export class FakeLeases {
  lease: Stored<Lease> | undefined;
  writes = 0;
  calls = 0;
  #version = 0;
  readonly #cutOff = new Set<string>();
  readonly #hanging = new Set<string>();
  /** Awaited between a write and its answer. */
  lateAnswer: () => Promise<void> = () => Promise.resolve();

  /** From now on this candidate gets no answer: refused, or none at all. */
  partition(candidate: string, kind: 'refused' | 'hanging'): void {
    (kind === 'refused' ? this.#cutOff : this.#hanging).add(candidate);
  }

  heal(candidate: string): void {
    this.#cutOff.delete(candidate);
    this.#hanging.delete(candidate);
  }

  client(candidate: string): Pick<Client, 'get' | 'create' | 'replace'> {
    const reach = async (signal: AbortSignal) => {
      signal.throwIfAborted();
      this.calls += 1;
      if (this.#cutOff.has(candidate)) throw new ConnectionError('ECONNREFUSED', 'cut off', undefined);
      if (!this.#hanging.has(candidate)) return;
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
    };
    // The one kind held here is Lease; a caller that asks for another is a broken test.
    const as = <T extends KubeObject>(lease: Stored<Lease>) => structuredClone(lease) as KubeObject as Stored<T>;
    return {
      get: async <T extends KubeObject>(_: unknown, __: unknown, { signal }: { signal: AbortSignal }) => {
        await reach(signal);
        if (this.lease === undefined) throw failure(404, 'NotFound');
        return as<T>(this.lease);
      },
      create: async <T extends KubeObject>(_: unknown, object: T, { signal }: { signal: AbortSignal }) => {
        await reach(signal);
        if (this.lease !== undefined) throw failure(409, 'AlreadyExists');
        return as<T>(this.#store(object));
      },
      replace: async <T extends KubeObject>(_: unknown, object: T, { signal }: { signal: AbortSignal }) => {
        await reach(signal);
        if (this.lease === undefined) throw failure(404, 'NotFound');
        if (object.metadata.resourceVersion !== this.lease.metadata.resourceVersion) throw failure(409, 'Conflict');
        const stored = this.#store(object);
        await this.lateAnswer();
        return as<T>(stored);
      },
    };
  }

  #store(object: KubeObject): Stored<Lease> {
    this.writes += 1;
    this.#version += 1;
    const metadata = { ...object.metadata, uid: 'lease', resourceVersion: String(this.#version), creationTimestamp: '' };
    this.lease = { ...structuredClone(object), metadata };
    return this.lease;
  }
}

function failure(status: number, reason: string): ApiError {
  return new ApiError({ status, reason, message: reason });
}
