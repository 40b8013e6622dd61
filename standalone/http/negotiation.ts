// What a client asks for in Accept: objects, or a Table for people.
import type { ServedKind } from '../registry/served-kind.ts';
import type { JsonObject } from '../schema/json.ts';
import type { CompiledKind } from '../schema/kind.ts';
import { metadataOf, text } from '../storage/stored-object.ts';
import { StatusError } from './status-error.ts';

export type Representation = { readonly kind: 'object' } | { readonly kind: 'table'; readonly include: IncludeObject };
type IncludeObject = 'Metadata' | 'Object';

const metaVersion = 'meta.k8s.io/v1';

/** The first form that this server can write. Throws 406 when there is none. */
export function negotiate(accept: string | undefined, query: URLSearchParams): Representation {
  for (const range of (accept ?? '*/*').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    if (!['application/json', '*/*', 'application/*'].includes(type)) continue;
    const given = new Map(
      parameters.map((parameter): [string, string] => [parameter.split('=')[0] ?? '', parameter.split('=')[1] ?? '']),
    );
    const as = given.get('as');
    if (as === undefined) return { kind: 'object' };
    if (given.get('g') !== 'meta.k8s.io' || given.get('v') !== 'v1') continue;
    if (as === 'Table') return { kind: 'table', include: includeObject(query) };
  }
  throw new StatusError(406, 'NotAcceptable', 'only the following media types are accepted: application/json');
}

function includeObject(query: URLSearchParams): IncludeObject {
  return query.get('includeObject') === 'Object' ? 'Object' : 'Metadata';
}

/** One object in the form asked for. `columns: false` leaves a Table's columns out, as in all but a watch's first event. */
export function represent(kind: CompiledKind, object: JsonObject, as: Representation, now: Date, columns = true): JsonObject {
  switch (as.kind) {
    case 'object':
      return object;
    case 'table':
      return table(kind, [object], as.include, now, { resourceVersion: text(metadataOf(object), 'resourceVersion') }, columns);
  }
}

/** A list in the form asked for; `metadata` is the list's own. Items of built-in kinds carry no kind, as they do not in Kubernetes. */
export function representList(
  { compiled, builtIn }: ServedKind,
  objects: readonly JsonObject[],
  metadata: JsonObject,
  as: Representation,
  now: Date,
): JsonObject {
  switch (as.kind) {
    case 'object': {
      const items = builtIn ? objects.map(withoutKind) : [...objects];
      return { kind: `${compiled.definition.kind}List`, apiVersion: compiled.apiVersion, metadata, items };
    }
    case 'table':
      return table(compiled, objects, as.include, now, metadata, true);
  }
}

function withoutKind({ apiVersion: _version, kind: _kind, ...rest }: JsonObject): JsonObject {
  return rest;
}

function partial(object: JsonObject): JsonObject {
  return { kind: 'PartialObjectMetadata', apiVersion: metaVersion, metadata: metadataOf(object) };
}

function table(
  kind: CompiledKind,
  objects: readonly JsonObject[],
  include: IncludeObject,
  now: Date,
  metadata: JsonObject,
  columns: boolean,
): JsonObject {
  const rows = objects.map((object): JsonObject => {
    const cells = kind.tableCells(object, now);
    return { cells, object: include === 'Object' ? object : partial(object) };
  });
  const columnDefinitions = columns ? kind.tableColumns.map((column): JsonObject => ({ ...column })) : null;
  return { kind: 'Table', apiVersion: metaVersion, metadata, columnDefinitions, rows };
}

/** A stored body can be sent as it is. */
export function isWhole(as: Representation): boolean {
  return as.kind === 'object';
}
