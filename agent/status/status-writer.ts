import type { Logger } from 'pino';
import { fieldManagers } from '../../crds/names.ts';
import { isConflict, isNotFound } from '../../kube/api/api-error.ts';
import type { Applied, Client } from '../../kube/api/client.ts';
import type { KubeObject } from '../../kube/api/objects.ts';
import type { Resource } from '../../kube/api/resource.ts';
import { laterOf } from '../../kube/cache/resource-version.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import { type LastWrite, shouldWrite } from './should-write.ts';

interface Deps {
  client: Pick<Client, 'applyStatus' | 'get'>;
  clock: Clock;
  logger: Logger;
  /** Puts on disk what a status stands on: what was said once is not unsaid by a power cut. */
  keep: () => Promise<void>;
}

/** `failed`: there was something to say, and the API server has not heard it. */
export type WriteResult = 'written' | 'nothingNew' | 'gone' | 'failed';

/** Somebody else writes the same object now and then; more often than this in a row is left to the next round. */
const maximumAttempts = 4;

/** Writes this agent's own fields of statuses, and only when there is something to say. */
export class StatusWriter {
  readonly #deps: Deps;
  readonly #last = new Map<string, LastWrite>();
  /** Of objects that are written by version: what this agent saw last. */
  readonly #versions = new Map<string, string>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** What the API server has already of this agent's fields, from before a restart. */
  seed(resource: Resource, object: { metadata: { namespace?: string; name: string; uid?: string } }, status: unknown): void {
    const { name, namespace, uid } = object.metadata;
    const key = keyFor(resource, name, namespace, uid);
    if (!this.#last.has(key)) this.#last.set(key, { status, at: this.#deps.clock.monotonic() });
  }

  /**
   * From now on this very object is written by its version. A status door does not look at the uid: without the version, what is
   * true of this object would be said of another that took its place under the same name.
   */
  saw(
    resource: Resource,
    object: { metadata: { namespace?: string; name: string; uid: string; resourceVersion: string } },
  ): void {
    const { name, namespace, uid, resourceVersion } = object.metadata;
    const key = keyFor(resource, name, namespace, uid);
    this.#versions.set(key, laterOf(this.#versions.get(key) ?? '0', resourceVersion));
  }

  /** Forgets objects that are not this agent's any more. */
  keepOnly(uids: ReadonlySet<string>): void {
    for (const known of [this.#last, this.#versions])
      for (const key of known.keys()) if (!uids.has(key.slice(key.lastIndexOf('/') + 1))) known.delete(key);
  }

  /** A failure is logged; it is the caller's to try again. */
  async write<T extends KubeObject>(
    resource: Resource<T>,
    object: Applied<T> & { status: NonNullable<unknown> },
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const { clock, logger, keep } = this.#deps;
    const { status } = object;
    const { name, namespace, uid } = object.metadata;
    const key = keyFor(resource, name, namespace, uid);
    if (!shouldWrite(this.#last.get(key), status, clock.monotonic())) return 'nothingNew';
    try {
      await keep();
      await this.#apply(resource, object, key, signal);
      this.#last.set(key, { status: structuredClone(status), at: clock.monotonic() });
      return 'written';
    } catch (error) {
      if (signal.aborted) return 'failed';
      // Gone, or replaced by another of the same name: the list of assigned instances will say so.
      // Its version stays: without one the next look, which comes before that list, would be told to the other.
      if (isNotFound(error) || isConflict(error)) {
        logger.info({ object: key }, 'the object of this status is gone');
        return 'gone';
      }
      logger.warn({ err: error, object: key }, 'the status could not be written; it is kept and tried again');
      return 'failed';
    }
  }

  /** @throws a conflict when another object has the name, or somebody else wrote it again and again. */
  async #apply<T extends KubeObject>(
    resource: Resource<T>,
    object: Applied<T> & { status: NonNullable<unknown> },
    key: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { client } = this.#deps;
    const options = { fieldManager: fieldManagers.agent, force: true, signal };
    for (let attempt = 1; ; attempt += 1) {
      const resourceVersion = this.#versions.get(key);
      try {
        const written = await client.applyStatus(resource, object, {
          ...options,
          ...(resourceVersion === undefined ? {} : { resourceVersion }),
        });
        if (resourceVersion !== undefined) this.#versions.set(key, written.metadata.resourceVersion);
        return;
      } catch (error) {
        if (!isConflict(error) || resourceVersion === undefined || attempt === maximumAttempts) throw error;
        const { name, namespace } = object.metadata;
        const now = await client.get(resource, { name, ...(namespace === undefined ? {} : { namespace }) }, { signal });
        if (now.metadata.uid !== object.metadata.uid) throw error;
        this.#versions.set(key, now.metadata.resourceVersion);
      }
    }
  }
}

/** Of this very object: one of the same name that came later has been told nothing. */
function keyFor(resource: Resource, name: string, namespace = '', uid = ''): string {
  return `${resource.plural}/${namespace}/${name}/${uid}`;
}
