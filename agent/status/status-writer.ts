import type { Logger } from 'pino';
import { fieldManagers } from '../../crds/names.ts';
import { isConflict, isNotFound } from '../../kube/api/api-error.ts';
import type { Applied, Client } from '../../kube/api/client.ts';
import type { KubeObject } from '../../kube/api/objects.ts';
import type { Resource } from '../../kube/api/resource.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import { type LastWrite, shouldWrite } from './should-write.ts';

interface Deps {
  client: Pick<Client, 'applyStatus'>;
  clock: Clock;
  logger: Logger;
  /** Puts on disk what a status stands on: what was said once is not unsaid by a power cut. */
  keep: () => Promise<void>;
}

/** `failed`: there was something to say, and the API server has not heard it. */
export type WriteResult = 'written' | 'nothingNew' | 'gone' | 'failed';

/** Writes this agent's own fields of statuses, and only when there is something to say. */
export class StatusWriter {
  readonly #deps: Deps;
  readonly #last = new Map<string, LastWrite>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** What the API server has already of this agent's fields, from before a restart. */
  seed(resource: Resource, object: { metadata: { namespace?: string; name: string; uid?: string } }, status: unknown): void {
    const { name, namespace, uid } = object.metadata;
    const key = keyFor(resource, name, namespace, uid);
    if (!this.#last.has(key)) this.#last.set(key, { status, at: this.#deps.clock.monotonic() });
  }

  /** A failure is logged; it is the caller's to try again. */
  async write<T extends KubeObject>(
    resource: Resource<T>,
    object: Applied<T> & { status: NonNullable<unknown> },
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const { client, clock, logger, keep } = this.#deps;
    const { status } = object;
    const { name, namespace, uid } = object.metadata;
    const key = keyFor(resource, name, namespace, uid);
    if (!shouldWrite(this.#last.get(key), status, clock.monotonic())) return 'nothingNew';
    try {
      await keep();
      await client.applyStatus(resource, object, { fieldManager: fieldManagers.agent, force: true, signal });
      this.#last.set(key, { status: structuredClone(status), at: clock.monotonic() });
      return 'written';
    } catch (error) {
      if (signal.aborted) return 'failed';
      // Gone, or replaced by another of the same name: the list of assigned instances will say so.
      if (isNotFound(error) || isConflict(error)) {
        logger.info({ object: key }, 'the object of this status is gone');
        return 'gone';
      }
      logger.warn({ err: error, object: key }, 'the status could not be written; it is kept and tried again');
      return 'failed';
    }
  }
}

/** Of this very object: one of the same name that came later has been told nothing. */
function keyFor(resource: Resource, name: string, namespace = '', uid = ''): string {
  return `${resource.plural}/${namespace}/${name}/${uid}`;
}
