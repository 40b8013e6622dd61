// The few fields of an object that the server itself reads and writes.
import { isObject, type JsonObject, type JsonValue } from '../schema/json.ts';

/** Parses a body that this store wrote. */
export function parseObject(body: string): JsonObject {
  const value: unknown = JSON.parse(body);
  if (!isObject(value)) throw new Error('a stored object is not a JSON object');
  return value;
}

export function metadataOf(object: JsonObject): JsonObject {
  const metadata = object['metadata'];
  return isObject(metadata) ? metadata : {};
}

export function withMetadata(object: JsonObject, changes: Record<string, JsonValue | undefined>): JsonObject {
  const metadata: JsonObject = { ...metadataOf(object) };
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) delete metadata[key];
    else metadata[key] = value;
  }
  return { ...object, metadata };
}

export function withResourceVersion(object: JsonObject, revision: number): JsonObject {
  return withMetadata(object, { resourceVersion: String(revision) });
}

export function text(object: JsonObject, field: string): string {
  const value = object[field];
  return typeof value === 'string' ? value : '';
}

export function nameOf(object: JsonObject): string {
  return text(metadataOf(object), 'name');
}

export function namespaceOf(object: JsonObject): string {
  return text(metadataOf(object), 'namespace');
}

export function uidOf(object: JsonObject): string {
  return text(metadataOf(object), 'uid');
}

export function isBeingDeleted(object: JsonObject): boolean {
  return typeof metadataOf(object)['deletionTimestamp'] === 'string';
}

export function finalizersOf(object: JsonObject): string[] {
  const finalizers = metadataOf(object)['finalizers'];
  return Array.isArray(finalizers) ? finalizers.filter((item) => typeof item === 'string') : [];
}

export interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly blockOwnerDeletion: boolean;
}

export function ownersOf(object: JsonObject): Owner[] {
  const owners = metadataOf(object)['ownerReferences'];
  if (!Array.isArray(owners)) return [];
  return owners.filter(isObject).map((owner) => ({
    apiVersion: text(owner, 'apiVersion'),
    kind: text(owner, 'kind'),
    name: text(owner, 'name'),
    uid: text(owner, 'uid'),
    blockOwnerDeletion: owner['blockOwnerDeletion'] === true,
  }));
}

export function labelsOf(object: JsonObject): Record<string, string> {
  const labels = metadataOf(object)['labels'];
  if (!isObject(labels)) return {};
  return Object.fromEntries(Object.entries(labels).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
