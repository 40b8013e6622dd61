import type { KubeObject } from './objects.ts';

/** Where a kind lives in the API. Descriptors build URLs, so the client never needs discovery. */
export interface Resource<T extends KubeObject = KubeObject> {
  readonly group: string; // '' is the core group
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Carries the object type; never set at run time. */
  readonly object?: T;
}

export interface ObjectKey {
  readonly namespace?: string;
  readonly name: string;
}

export function defineResource<T extends KubeObject>(resource: Omit<Resource<T>, 'object'>): Resource<T> {
  return Object.freeze({ ...resource });
}

export function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** `namespace/name`, or `name` for cluster-scoped objects: the key of stores and queues. */
export function keyOf(object: { metadata: { namespace?: string; name: string } }): string {
  return formatKey(object.metadata);
}

export function formatKey(key: ObjectKey): string {
  return key.namespace ? `${key.namespace}/${key.name}` : key.name;
}

export function parseKey(key: string): ObjectKey {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The path below the server's address, for example `/apis/jouleops.dev/v1alpha1/namespaces/a/modelversions/b/status`. */
export function pathOf(
  resource: Resource,
  key: { namespace?: string | undefined; name?: string | undefined },
  subresource?: 'status' | 'approval',
): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope = resource.namespaced && key.namespace ? `/namespaces/${encodeURIComponent(key.namespace)}` : '';
  const name = key.name ? `/${encodeURIComponent(key.name)}` : '';
  return `${root}${scope}/${resource.plural}${name}${subresource ? `/${subresource}` : ''}`;
}
