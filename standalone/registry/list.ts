import { badRequest, expired, invalidOption, tooLargeResourceVersion } from '../http/status-error.ts';
import type { JsonObject } from '../schema/json.ts';
import type { ObjectStore, Reader } from '../storage/object-store.ts';
import { parseObject } from '../storage/stored-object.ts';
import type { ListRange, VersionRow } from '../storage/versions.ts';
import { fromStorage, type Target } from './context.ts';
import { readSelection, type Selection } from './selection.ts';

export interface ListOptions {
  readonly selection: Selection;
  /** 0: no limit. */
  readonly limit: number;
  readonly after: { namespace: string; name: string } | undefined;
  /** The state to read; the current one when undefined. */
  readonly revision: number | undefined;
}

export interface Page {
  readonly objects: JsonObject[];
  readonly revision: number;
  readonly continue: string | undefined;
  readonly remaining: number | undefined;
}

interface ContinueToken {
  v: 'jouleops/v1';
  revision: number;
  namespace: string;
  name: string;
}

export function readListOptions(store: ObjectStore, target: Pick<Target, 'kind'>, query: URLSearchParams): ListOptions {
  const selection = readSelection(target.kind.compiled, query);
  const limit = readLimit(query.get('limit') ?? '');
  const token = query.get('continue') ?? '';
  if (token !== '') {
    const { revision, namespace, name } = readContinue(token);
    requireKept(store, revision, 'The provided continue parameter is too old to display a consistent list result.');
    return { selection, limit, after: { namespace, name }, revision };
  }
  checkMoment(store, query);
  return { selection, limit, after: undefined, revision: undefined };
}

function readLimit(text: string): number {
  if (!/^-?\d{0,15}$/.test(text)) throw badRequest(`limit must be a whole number, got "${text}"`);
  return Math.max(0, Number(text));
}

/** resourceVersion and resourceVersionMatch of a list. Whatever is committed is never older than what a client has seen. */
function checkMoment(store: ObjectStore, query: URLSearchParams): void {
  const wanted = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  if (wanted === '') {
    if (match === '') return;
    throw badMatch('FieldValueForbidden', 'Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided');
  }
  if (match !== '' && match !== 'NotOlderThan') {
    throw badMatch('FieldValueNotSupported', `Unsupported value: "${match}": supported values: "", "NotOlderThan"`);
  }
  const revision = readResourceVersion(wanted);
  if (revision > store.revision) throw tooLargeResourceVersion(revision, store.revision);
}

function badMatch(reason: 'FieldValueForbidden' | 'FieldValueNotSupported', message: string) {
  return invalidOption('ListOptions', { reason, field: 'resourceVersionMatch', message });
}

export function readResourceVersion(wanted: string): number {
  if (/^\d{1,15}$/.test(wanted)) return Number(wanted);
  throw badRequest(`invalid resource version: resourceVersion: Invalid value: "${wanted}": must be a number`);
}

/** A revision that has not been reached is of a state that a restored backup took back. */
function requireKept(store: ObjectStore, revision: number, message: string): void {
  if (revision < store.compactedRevision || revision > store.revision) throw expired(message);
}

function readContinue(token: string): ContinueToken {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (isToken(value)) return value;
  } catch {
    // Answered below: a token that is not ours and one that is no JSON are the same mistake.
  }
  throw badRequest('invalid continue token: continue key is not valid');
}

function isToken(value: unknown): value is ContinueToken {
  if (typeof value !== 'object' || value === null) return false;
  const place = 'namespace' in value && typeof value.namespace === 'string' && 'name' in value && typeof value.name === 'string';
  return place && 'v' in value && value.v === 'jouleops/v1' && 'revision' in value && Number.isSafeInteger(value.revision);
}

/** One page, all of it from one revision, as are the pages that follow it. */
export function listPage(store: ObjectStore, target: Pick<Target, 'kind' | 'namespace'>, options: ListOptions): Page {
  const { selection, limit } = options;
  const revision = options.revision ?? store.revision;
  const objects: JsonObject[] = [];
  let last: VersionRow | undefined;
  let remaining = 0;
  const range = { ...rangeOf(target, selection), after: options.after, revision: options.revision };
  for (const row of store.list(target.kind.storage, range)) {
    if (limit > 0 && objects.length === limit) {
      remaining += 1;
      // Counting the rest is only exact, and cheap, when nothing has to be parsed.
      if (selection.everything) continue;
      break;
    }
    const object = fromStorage(target.kind, parseObject(row.body));
    if (!selection.matches(object)) continue;
    objects.push(object);
    last = row;
  }
  const more = remaining > 0 && last !== undefined;
  const token = (row: VersionRow): ContinueToken => ({ v: 'jouleops/v1', revision, namespace: row.namespace, name: row.name });
  return {
    objects,
    revision,
    continue: more && last ? Buffer.from(JSON.stringify(token(last))).toString('base64url') : undefined,
    remaining: more && selection.everything ? remaining : undefined,
  };
}

/** All current objects of a selection. */
export function selectObjects(reader: Reader, target: Pick<Target, 'kind' | 'namespace'>, selection: Selection): JsonObject[] {
  const found: JsonObject[] = [];
  for (const row of reader.list(target.kind.storage, rangeOf(target, selection))) {
    const object = fromStorage(target.kind, parseObject(row.body));
    if (selection.matches(object)) found.push(object);
  }
  return found;
}

/** A device asks for itself by name, and there may be ten thousand: nothing else is read then. */
function rangeOf({ kind, namespace }: Pick<Target, 'kind' | 'namespace'>, { name }: Selection): ListRange {
  return { namespace: kind.compiled.definition.namespaced ? namespace : '', name };
}
