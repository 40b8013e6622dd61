// Turns the body of a watch into events. A consumer pulls, so no two events are ever handled at once.
import type { Clock } from '../runtime/clock.ts';
import type { WatchEvent, WatchOptions } from './client.ts';
import type { KubeObject } from './objects.ts';
import { pathOf, type Resource } from './resource.ts';
import { type Call, connectionError, type Transport } from './transport.ts';
import { WatchDeadline } from './watch-deadline.ts';
import { parseWatchEvent, WatchStreamError } from './watch-event.ts';

/** What a server adds at most to timeoutSeconds before it ends a watch itself. */
const graceSeconds = 5;

/** Resolves on response headers. The iterator throws WatchStreamError, ConnectionError, or the signal's reason. */
export async function openWatch<T extends KubeObject>(
  deps: { transport: Transport; clock: Clock; inactivitySeconds: number },
  resource: Resource<T>,
  options: WatchOptions,
): Promise<AsyncIterable<WatchEvent<T>>> {
  const { namespace, name, labelSelector, resourceVersion, timeoutSeconds, signal } = options;
  const path = pathOf(resource, namespace === undefined ? {} : { namespace });
  const deadline = new WatchDeadline(deps.clock, `GET ${path}`, {
    inactivitySeconds: deps.inactivitySeconds,
    lifetimeSeconds: timeoutSeconds + graceSeconds,
  });
  const call: Call = {
    method: 'GET',
    path,
    query: {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion,
      timeoutSeconds: String(timeoutSeconds),
      ...(name === undefined ? {} : { fieldSelector: `metadata.name=${name}` }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
    },
    signal: AbortSignal.any([signal, deadline.signal]),
    idempotent: true,
    retry: false, // the reflector backs off
    bodyTimeoutMilliseconds: 0, // the deadline counts
  };
  try {
    const answer = await deps.transport.send(call);
    return events<T>(answer.body, deps.transport.server, call, deadline);
  } catch (error) {
    deadline.end();
    throw error;
  }
}

async function* events<T extends KubeObject>(
  body: AsyncIterable<Uint8Array>,
  server: string,
  call: Call,
  deadline: WatchDeadline,
): AsyncGenerator<WatchEvent<T>> {
  const name = `GET ${call.path}`;
  try {
    for await (const line of splitLines(body, name)) {
      deadline.touch();
      yield parseWatchEvent<T>(line, name);
    }
  } catch (error) {
    call.signal.throwIfAborted();
    throw error instanceof WatchStreamError ? error : connectionError(call, server, error);
  } finally {
    deadline.end();
  }
}

/** An API server takes no object above 3 MiB; a line beyond this is not from one. */
const maxLineBytes = 16 * 1024 * 1024;
const newline = 0x0a;

/** Splits bytes at newlines. A last line without one is malformed: the stream was cut inside an event. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>, call: string): AsyncGenerator<string> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      yield Buffer.concat([...pending, chunk.subarray(start, end)]).toString('utf8');
      pending = [];
      pendingBytes = 0;
      start = end + 1;
    }
    if (start === chunk.length) continue;
    pending.push(chunk.subarray(start));
    pendingBytes += chunk.length - start;
    if (pendingBytes > maxLineBytes)
      throw new WatchStreamError('malformed', `${call}: a watch line exceeds ${maxLineBytes} bytes`);
  }
  if (pendingBytes > 0)
    throw new WatchStreamError('malformed', `${call}: the watch ended inside an event after ${pendingBytes} bytes`);
}
