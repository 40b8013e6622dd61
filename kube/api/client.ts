import type { KubeList, KubeObject, Status, Stored } from './objects.ts';
import type { ObjectKey, Resource } from './resource.ts';

export interface CallOptions {
  signal: AbortSignal;
  /** Act as this user for one call; the caller needs the verb impersonate. A watch takes no notice. */
  asUser?: string | undefined;
}

export interface WriteOptions extends CallOptions {
  dryRun?: boolean;
  /** Refuse unknown and duplicate fields; without it the server drops them. For what people wrote. */
  fieldValidation?: 'Strict';
}

export interface ApplyOptions extends WriteOptions {
  fieldManager: string;
  /** Take fields from other managers. Controllers do; default true. */
  force?: boolean;
}

export interface StatusOptions extends ApplyOptions {
  /**
   * The version that the status was decided on: a conflict when the object has changed since. Without it the status is taken by
   * whatever has the name: at this door an API server does not compare uids, so an object that was made anew can be told what is
   * true of the one before it.
   */
  resourceVersion?: string;
}

export interface ListOptions extends CallOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  limit?: number;
  continue?: string;
  resourceVersion?: string;
}

export interface DeleteOptions extends CallOptions {
  uid?: string;
  resourceVersion?: string;
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
}

export interface WatchOptions extends CallOptions {
  namespace?: string;
  /** Exactly one object by name: the only watch that an API server indexes for custom resources. */
  name?: string;
  labelSelector?: string;
  resourceVersion: string;
  timeoutSeconds: number;
}

export type WatchEvent<T extends KubeObject> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: Stored<T> }
  | { type: 'BOOKMARK'; object: { metadata: { resourceVersion: string } } }
  | { type: 'ERROR'; object: Status };

/** What an apply sends: exactly the fields that its manager owns. uid guards against re-creating a deleted object. */
export type Applied<T extends KubeObject> = DeepPartial<Omit<T, 'metadata'>> & {
  metadata: Partial<T['metadata']> & { name: string };
};

export type DeepPartial<T> = T extends readonly unknown[] ? T : T extends object ? { [K in keyof T]?: DeepPartial<T[K]> } : T;

export type PatchBody =
  | { kind: 'merge'; body: Record<string, unknown> }
  | { kind: 'json'; body: readonly Record<string, unknown>[] };

/** Calls one API server. Every method throws `ApiError` (api-error.ts) for an answer that is not a success. */
export interface Client {
  get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options: CallOptions): Promise<Stored<T>>;
  /** One page. `listAll` of kube/cache/list-pager.ts walks the pages. */
  list<T extends KubeObject>(resource: Resource<T>, options: ListOptions): Promise<KubeList<T>>;
  create<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options: WriteOptions & { fieldManager?: string },
  ): Promise<Stored<T>>;
  /** PUT: for optimistic read-modify-write of objects that one writer owns whole (Lease, ConfigMap). */
  replace<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options: WriteOptions & { fieldManager?: string },
  ): Promise<Stored<T>>;
  /** Server-side apply of the main resource; apiVersion and kind are stamped from the descriptor. */
  apply<T extends KubeObject>(resource: Resource<T>, object: Applied<T>, options: ApplyOptions): Promise<Stored<T>>;
  /** Server-side apply of the status subresource; everything but identity and status is stripped before sending. */
  applyStatus<T extends KubeObject>(resource: Resource<T>, object: Applied<T>, options: StatusOptions): Promise<Stored<T>>;
  patch<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: PatchBody,
    options: WriteOptions & { fieldManager?: string; subresource?: 'status' | 'approval' },
  ): Promise<Stored<T>>;
  delete(resource: Resource, key: ObjectKey, options: DeleteOptions): Promise<void>;
  /** Opens a watch: resolves on response headers, then iterates events until the server ends the stream. */
  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): Promise<AsyncIterable<WatchEvent<T>>>;
  /** A call outside the object API: `/readyz`, `/version`, TokenReview posts. Answers parsed JSON or text. */
  raw(method: 'GET' | 'POST' | 'PUT', path: string, options: CallOptions & { body?: unknown }): Promise<unknown>;
  close(): Promise<void>;
}
