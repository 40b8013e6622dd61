// A process that was frozen (a paused machine, a suspended laptop) wakes with events in its sockets and reconciles before
// its timers say that it no longer leads. So a leader's writes ask at the moment of writing.
import type { Client } from '../api/client.ts';

export class NotLeadingError extends Error {
  override readonly name = 'NotLeadingError';
}

/** The same client, whose writes reject while `mayWrite` says no. Reads pass. */
export function fenceWrites(client: Client, mayWrite: () => boolean): Client {
  async function fence<R>(write: () => Promise<R>): Promise<R> {
    if (!mayWrite()) throw new NotLeadingError('not written: the lease could not be renewed in time, another process may lead');
    return write();
  }
  return {
    ...client,
    create: (resource, object, options) => fence(() => client.create(resource, object, options)),
    replace: (resource, object, options) => fence(() => client.replace(resource, object, options)),
    apply: (resource, object, options) => fence(() => client.apply(resource, object, options)),
    applyStatus: (resource, object, options) => fence(() => client.applyStatus(resource, object, options)),
    patch: (resource, key, patch, options) => fence(() => client.patch(resource, key, patch, options)),
    delete: (resource, key, options) => fence(() => client.delete(resource, key, options)),
  };
}
