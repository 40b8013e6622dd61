import type { Logger } from 'pino';
import { fieldManagers } from '../../crds/names.ts';
import { isConflict, isNotFound } from '../../kube/api/api-error.ts';
import type { Applied, Client } from '../../kube/api/client.ts';
import type { KubeObject } from '../../kube/api/objects.ts';
import { formatKey, keyOf, type Resource } from '../../kube/api/resource.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import { type LastWrite, shouldWrite } from './should-write.ts';

interface Deps {
  client: Pick<Client, 'applyStatus'>;
  clock: Clock;
  logger: Logger;
}

/** Writes this agent's own fields of statuses, and only when there is something to say. */
export class StatusWriter {
  readonly #deps: Deps;
  readonly #last = new Map<string, LastWrite>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** What the API server has already of this agent's fields, from before a restart. */
  seed(resource: Resource, object: { metadata: { namespace?: string; name: string } }, status: unknown): void {
    const key = `${resource.plural}/${keyOf(object)}`;
    if (!this.#last.has(key)) this.#last.set(key, { status, at: this.#deps.clock.monotonic() });
  }

  forget(resource: Resource, object: { metadata: { namespace?: string; name: string } }): void {
    this.#last.delete(`${resource.plural}/${keyOf(object)}`);
  }

  /** @returns whether it was written. A failure is logged and tried again with the next change or tick. */
  async write<T extends KubeObject>(
    resource: Resource<T>,
    object: Applied<T> & { status: NonNullable<unknown> },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { client, clock, logger } = this.#deps;
    const { status } = object;
    const { name, namespace = '' } = object.metadata;
    const key = `${resource.plural}/${formatKey({ name, namespace })}`;
    if (!shouldWrite(this.#last.get(key), status, clock.monotonic())) return false;
    try {
      await client.applyStatus(resource, object, { fieldManager: fieldManagers.agent, force: true, signal });
      this.#last.set(key, { status: structuredClone(status), at: clock.monotonic() });
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      // Gone, or replaced by another of the same name: the list of assigned instances will say so.
      if (isNotFound(error) || isConflict(error)) logger.info({ object: key }, 'the object of this status is gone');
      else logger.warn({ err: error, object: key }, 'the status could not be written; it is kept and tried again');
      return false;
    }
  }
}
