// What a URL and a method mean: https://kubernetes.io/docs/reference/using-api/api-concepts/
import { badRequest } from './status-error.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

export interface ResourceRequest {
  readonly kind: 'resource';
  readonly verb: Verb;
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly query: URLSearchParams;
}

export type RequestInfo = ResourceRequest | { readonly kind: 'other'; readonly path: string; readonly query: URLSearchParams };

/** Undefined when the method means nothing here. Throws 400 for a path that cannot be decoded. */
export function readRequestInfo(method: string, target: string): RequestInfo | undefined {
  const url = parseTarget(target);
  const query = url.searchParams;
  const segments = decodeSegments(url.pathname);
  const other = { kind: 'other', path: url.pathname.replace(/(.)\/+$/, '$1'), query } as const;
  const root = apiRoot(segments);
  if (root === undefined || root.rest.length === 0) return other;
  const place = locate(root.rest);
  if (place === undefined) return other;
  const verb = verbOf(method, place.name, query);
  if (verb === undefined) return undefined;
  return { kind: 'resource', verb, group: root.group, version: root.version, query, ...place };
}

function parseTarget(target: string): URL {
  const url = URL.parse(target, 'https://standalone.invalid');
  if (url === null) throw badRequest(`the path ${target} cannot be read`);
  return url;
}

function decodeSegments(path: string): string[] {
  try {
    return path
      .split('/')
      .filter((segment) => segment !== '')
      .map(decodeURIComponent);
  } catch {
    throw badRequest(`the path ${path} has a percent sign that begins no character`);
  }
}

function apiRoot(segments: string[]): { group: string; version: string; rest: string[] } | undefined {
  const [root, first, second] = segments;
  if (root === 'api' && first !== undefined) return { group: '', version: first, rest: segments.slice(2) };
  if (root === 'apis' && first !== undefined && second !== undefined)
    return { group: first, version: second, rest: segments.slice(3) };
  return undefined;
}

function locate(rest: string[]): Pick<ResourceRequest, 'plural' | 'namespace' | 'name' | 'subresource'> | undefined {
  const [plural, first, second] = rest;
  if (plural === undefined) return undefined;
  // `/namespaces/<name>` and its subresources are the Namespace itself; anything else below it is inside the namespace.
  const insideNamespace = plural === 'namespaces' && second !== undefined && second !== 'status' && second !== 'finalize';
  if (insideNamespace) {
    const inner = rest.slice(2);
    if (inner.length > 3) return undefined;
    return { namespace: first, plural: second, name: inner[1], subresource: inner[2] };
  }
  if (rest.length > 3) return undefined;
  return { namespace: undefined, plural, name: first, subresource: second };
}

function verbOf(method: string, name: string | undefined, query: URLSearchParams): Verb | undefined {
  switch (method) {
    case 'GET':
      if (name !== undefined) return 'get';
      return isTrue(query.get('watch')) ? 'watch' : 'list';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return name === undefined ? 'deletecollection' : 'delete';
    default:
      return undefined;
  }
}

export function isTrue(value: string | null): boolean {
  return value === '1' || value === 'true' || value === '';
}
