// What of an answer is the same on every server: no identity, versions or times.
import { isObject, type JsonObject, textAt } from '../../../standalone/schema/json.ts';
import type { Outcome } from './scenario.ts';

export function outcomeOf(code: number, body: JsonObject): Outcome {
  if (code < 300) return { code, object: bareObject(body), owners: ownersOf(body) };
  const details = isObject(body['details']) ? body['details'] : {};
  const causes = Array.isArray(details['causes']) ? details['causes'] : [];
  const reason = body['reason'];
  return {
    code,
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(causes.length > 0 ? { causes: causes.map(causeText).sort() } : {}),
  };
}

/** With the message where it names another manager, without it where wording is free. */
export function causeText(cause: unknown): string {
  const { reason, field, message } = readCause(cause);
  return reason === 'FieldManagerConflict' ? `${reason} ${field}: ${message}` : `${reason} ${field}`;
}

export function wholeCauseText(cause: unknown): string {
  const { reason, field, message } = readCause(cause);
  return `${reason} ${field}: ${message}`;
}

function readCause(cause: unknown): { reason: string; field: string; message: string } {
  const object = isObject(cause) ? cause : {};
  return { reason: textAt(object, 'reason'), field: textAt(object, 'field'), message: textAt(object, 'message') };
}

function bareObject(object: JsonObject): JsonObject {
  const { apiVersion: _a, kind: _k, metadata, ...rest } = object;
  if (!isObject(metadata)) return rest;
  const kept: JsonObject = {};
  for (const name of ['generation', 'labels', 'annotations', 'finalizers', 'ownerReferences']) {
    const value = metadata[name];
    if (value !== undefined) kept[name] = value;
  }
  return { metadata: kept, ...rest };
}

function ownersOf(object: JsonObject): JsonObject {
  const { metadata } = object;
  const entries = isObject(metadata) && Array.isArray(metadata['managedFields']) ? metadata['managedFields'] : [];
  const owners: JsonObject = {};
  for (const entry of entries) {
    if (!isObject(entry)) continue;
    const name = ['manager', 'operation', 'subresource'].map((key) => textAt(entry, key)).filter((part) => part !== '');
    if (entry['time'] === undefined) name.push('untimed');
    owners[name.join('/')] = entry['fieldsV1'] ?? {};
  }
  return owners;
}
