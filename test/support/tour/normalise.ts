// What two servers must agree on, without what they cannot: identities, versions, times and the words of messages.
import { isMap, type Json, type JsonMap } from './json.ts';

export interface Observation {
  call: string;
  status?: number;
  warnings?: string[];
  result: Json;
}

interface Recorded {
  call: string;
  status: number;
  body: Json;
  warnings: string[];
}

export function normaliseAnswer({ call, status, body, warnings }: Recorded, namespace: string): Observation {
  // Several warnings come in several headers or in one.
  const named = warnings
    .flatMap((warning) => warning.split(/, (?=299 )/))
    .map((warning) => warning.replaceAll(namespace, '<namespace>'));
  const result = isMap(body) && body['kind'] === 'Status' ? failure(body) : normalise(body, namespace);
  return {
    call: nameless(call, namespace),
    status,
    ...(named.length > 0 ? { warnings: named } : {}),
    result: rename(result, namespace),
  };
}

export function normalise(body: Json, namespace: string): Json {
  return rename(visit(body), namespace);
}

/** A call without what differs from server to server. */
export function nameless(call: string, namespace: string): string {
  return call
    .replaceAll(namespace, '<namespace>')
    .replace(/continue=[^&]+/, 'continue=<token>')
    .replace(/resourceVersion=[1-9][0-9]*/, 'resourceVersion=<version>');
}

/** A Status says what went wrong by reason and by (field, reason) of its causes. */
function failure(status: JsonMap): Json {
  const details = isMap(status['details'] ?? null) ? (status['details'] as JsonMap) : {};
  const causes = Array.isArray(details['causes']) ? details['causes'].filter(isMap) : [];
  // A cause without a field only says that rules were not checked, because of the other causes.
  const told = causes.filter((cause) => cause['field'] !== '<nil>');
  const pairs = told.map((cause) => `${text(cause['field'])} ${text(cause['reason'])}`);
  return {
    status: status['status'] ?? null,
    reason: status['reason'] ?? null,
    code: status['code'] ?? null,
    kind: details['kind'] ?? null,
    name: details['name'] ?? null,
    causes: [...new Set(pairs)].sort(),
  };
}

const text = (value: Json | undefined) => (typeof value === 'string' ? value : '');

/** Times that a server sets; those that a case writes itself stay. */
const serverTimes = new Set(['creationTimestamp', 'deletionTimestamp']);
const dropped = new Set(['uid', 'resourceVersion', 'selfLink', 'managedFields']);
/** Words of a table's columns, and fields of the older event API that a cluster shows as null. */
const unequal = new Set(['description', 'deprecatedFirstTimestamp', 'deprecatedLastTimestamp', 'deprecatedSource']);

function visit(value: Json): Json {
  if (Array.isArray(value)) return value.map(visit);
  if (!isMap(value)) return value;
  if (value['kind'] === 'Status') return failure(value);
  const result: JsonMap = {};
  for (const [key, child] of Object.entries(value)) {
    if (unequal.has(key)) continue;
    if (key === 'cells' && Array.isArray(child)) {
      // Ages go on while the tour does.
      result[key] = child.map((cell) => (typeof cell === 'string' && /^\d+[smhd]$/.test(cell) ? '<age>' : visit(cell)));
      continue;
    }
    if (key === 'metadata' && isMap(child)) result[key] = metadata(child);
    else result[key] = visit(child);
  }
  return result;
}

function metadata(value: JsonMap): JsonMap {
  const result: JsonMap = {};
  for (const [key, child] of Object.entries(value)) {
    if (key === 'managedFields') result['owned'] = owned(child);
    else if (key === 'continue') {
      if (child !== '') result[key] = '<token>';
    } else if (key === 'name' && typeof value['generateName'] === 'string') result[key] = `${value['generateName']}<suffix>`;
    else if (serverTimes.has(key)) result[key] = '<time>';
    else if (key === 'ownerReferences' && Array.isArray(child)) {
      result[key] = child.map((owner) => (isMap(owner) ? { ...owner, uid: '<uid>' } : owner));
    } else if (!dropped.has(key)) result[key] = visit(child);
  }
  return result;
}

/** `manager operation subresource` → the fields it owns, each as a path. */
function owned(entries: Json): Json {
  const result: JsonMap = {};
  for (const entry of Array.isArray(entries) ? entries.filter(isMap) : []) {
    const subresource = text(entry['subresource']);
    const who = `${text(entry['manager'])} ${text(entry['operation'])}${subresource ? ` ${subresource}` : ''}`;
    result[who] = isMap(entry['fieldsV1'] ?? null) ? paths(entry['fieldsV1'] as JsonMap, '').sort() : [];
  }
  return Object.fromEntries(Object.entries(result).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function paths(fields: JsonMap, prefix: string): string[] {
  return Object.entries(fields).flatMap(([key, child]) => {
    // The keys of an associative list may be written in any order.
    const step = key.startsWith('k:') ? `k:${JSON.stringify(sorted(JSON.parse(key.slice(2)) as JsonMap))}` : key;
    const path = key === '.' ? `${prefix}/.` : `${prefix}/${step}`;
    const below = isMap(child) && key !== '.' ? paths(child, path) : [];
    return below.length > 0 ? below : [path];
  });
}

function sorted(value: JsonMap): JsonMap {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function rename(value: Json, namespace: string): Json {
  const uids = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
  return JSON.parse(JSON.stringify(value).replaceAll(namespace, '<namespace>').replaceAll(uids, '<uid>')) as Json;
}
