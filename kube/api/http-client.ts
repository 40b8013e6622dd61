import { type Clock, systemClock } from '../runtime/clock.ts';
import type { ApplyOptions, CallOptions, Client, ListOptions, PatchBody, WriteOptions } from './client.ts';
import type { Connection } from './connection.ts';
import type { KubeList, KubeObject, Stored } from './objects.ts';
import { apiVersionOf, type ObjectKey, pathOf, type Resource } from './resource.ts';
import { type Call, Transport } from './transport.ts';
import { openWatch } from './watch-stream.ts';

export interface ClientOptions {
  userAgent?: string;
  clock?: Clock;
  /** Told of every attempt; status 0 = no answer. */
  onCall?: (call: { method: string; path: string; status: number; seconds: number }) => void;
  /** A watch silent for longer is cut and opened again (120 s). Servers send bookmarks about every 60 s, once a kind had an event. */
  inactivitySeconds?: number;
  /** A connection without a call is closed after this long (75 s); less costs a handshake for each call that comes later. */
  idleSeconds?: number;
}

type Query = Record<string, string | number | boolean | undefined>;

/** Plain JSON over HTTP/1.1. Only two write shapes carry intent, apply and applyStatus; the rest is for objects owned whole. */
export function createClient(connection: Connection, options: ClientOptions = {}): Client {
  const clock = options.clock ?? systemClock;
  const inactivitySeconds = options.inactivitySeconds ?? 120;
  const transport = new Transport(connection, {
    userAgent: options.userAgent ?? 'jouleops',
    clock,
    ...(options.idleSeconds === undefined ? {} : { idleSeconds: options.idleSeconds }),
    ...(options.onCall === undefined ? {} : { onCall: options.onCall }),
  });

  async function json(call: Call): Promise<unknown> {
    const answer = await transport.send(call);
    return parseJson(await transport.text(call, answer), call);
  }

  async function write<T extends KubeObject>(
    method: 'POST' | 'PUT' | 'PATCH',
    path: string,
    body: unknown,
    write: { options: WriteOptions & { fieldManager?: string; force?: boolean }; contentType?: string; idempotent: boolean },
  ): Promise<Stored<T>> {
    const { dryRun, fieldManager, force, fieldValidation } = write.options;
    const query = compact({ fieldManager, force, fieldValidation, dryRun: dryRun === true ? 'All' : undefined });
    const contentType = write.contentType === undefined ? {} : { contentType: write.contentType };
    return (await json({
      method,
      path,
      query,
      body,
      ...callerOf(write.options),
      idempotent: write.idempotent,
      ...contentType,
    })) as Stored<T>;
  }

  function applyTo<T extends KubeObject>(resource: Resource<T>, object: Named, options: ApplyOptions, subresource?: 'status') {
    return write<T>('PATCH', pathOf(resource, object.metadata, subresource), stamp(resource, object), {
      options: { ...options, force: options.force ?? true },
      contentType: 'application/apply-patch+yaml', // JSON is YAML
      idempotent: true,
    });
  }

  return {
    async get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options: CallOptions) {
      return (await json({ method: 'GET', path: pathOf(resource, key), ...callerOf(options), idempotent: true })) as Stored<T>;
    },

    async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions) {
      const { namespace, signal: _, asUser: __, ...selection } = options;
      const path = pathOf(resource, namespace === undefined ? {} : { namespace });
      const call = { method: 'GET' as const, path, query: compact(selection), ...callerOf(options), idempotent: true };
      const list = (await json(call)) as KubeList<T>;
      // Items of built-in kinds come without kind and apiVersion.
      return { ...list, items: (list.items as Stored<T>[] | null)?.map((item) => stamp(resource, item)) ?? [] };
    },

    create: (resource, object, options) =>
      write('POST', pathOf(resource, scopeOf(object)), stamp(resource, object), { options, idempotent: false }),

    replace: (resource, object, options) =>
      write('PUT', pathOf(resource, object.metadata), stamp(resource, object), { options, idempotent: true }),

    apply: (resource, object, options) => applyTo(resource, object, options),

    applyStatus: (resource, object, { resourceVersion, ...options }) =>
      applyTo(resource, statusOf(object, resourceVersion), options, 'status'),

    patch: (resource, key, patch, options) =>
      write('PATCH', pathOf(resource, key, options.subresource), patch.body, {
        options,
        contentType: patchTypes[patch.kind],
        idempotent: patch.kind === 'merge',
      }),

    async delete(resource, key, { uid, resourceVersion, propagationPolicy, ...options }) {
      const preconditions = compactObject({ uid, resourceVersion });
      const body = {
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        ...(preconditions === undefined ? {} : { preconditions }),
        ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
      };
      await json({ method: 'DELETE', path: pathOf(resource, key), body, ...callerOf(options), idempotent: true });
    },

    watch: (resource, options) => openWatch({ transport, clock, inactivitySeconds }, resource, options),

    async raw(method, path, { signal, body }) {
      const [pathname = '', search] = path.split('?', 2);
      const query = Object.fromEntries(new URLSearchParams(search));
      const call: Call = { method, path: pathname, query, body, signal, idempotent: method !== 'POST' };
      const answer = await transport.send(call);
      const text = await transport.text(call, answer);
      return String(answer.headers['content-type']).startsWith('application/json') ? parseJson(text, call) : text;
    },

    close: () => transport.close(),
  };
}

function callerOf({ signal, asUser }: CallOptions): Pick<Call, 'signal' | 'asUser'> {
  return { signal, asUser };
}

interface Named {
  metadata: { name: string; namespace?: string | undefined; uid?: string | undefined };
}

const patchTypes: Record<PatchBody['kind'], string> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
};

function stamp<T extends object>(resource: Resource, object: T): T & { apiVersion: string; kind: string } {
  return { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
}

/** Where an object is created: its namespace, not its name. */
function scopeOf(object: Named): { namespace?: string } {
  return object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace };
}

/** Identity and status alone. */
function statusOf(object: Named, resourceVersion: string | undefined): Named & { status: unknown } {
  const { name, namespace, uid } = object.metadata;
  const metadata = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  return { metadata, status: 'status' in object ? object.status : undefined };
}

function compact(query: Query): Record<string, string> {
  return Object.fromEntries(
    Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}

function compactObject(fields: Record<string, string | undefined>): Record<string, string> | undefined {
  const present = compact(fields);
  return Object.keys(present).length === 0 ? undefined : present;
}

function parseJson(text: string, call: Call): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${call.method} ${call.path}: the answer is not JSON: ${JSON.stringify(text.slice(0, 80))}`, {
      cause: error,
    });
  }
}
