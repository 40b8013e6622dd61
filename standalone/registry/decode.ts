// From what a client sent to an object of the kind that its path serves.

import { badRequest, invalid } from '../http/status-error.ts';
import { type JsonObject, property } from '../schema/json.ts';
import { metadataOf, nameOf, namespaceOf, withMetadata } from '../storage/stored-object.ts';
import type { ServedKind } from './served-kind.ts';
import type { FieldValidation } from './write-options.ts';

export interface Decoded {
  readonly object: JsonObject;
  /** Texts of Warning headers. */
  readonly warnings: string[];
}

/** Checks apiVersion and kind, drops unknown fields as `fieldValidation` says, and fills in defaults. */
export function decodeObject(kind: ServedKind, sent: JsonObject, fieldValidation: FieldValidation): Decoded {
  const { object, unknown, malformed } = kind.compiled.prune(withIdentity(kind, sent));
  if (malformed !== undefined) throw badRequest(malformed);
  const complaints = unknown.map((path) => `unknown field "${path}"`);
  if (complaints.length > 0 && fieldValidation === 'Strict') {
    const { kind: name, version } = kind.compiled.definition;
    throw badRequest(
      `${name} in version "${version}" cannot be handled as a ${name}: strict decoding error: ${complaints.join(', ')}`,
    );
  }
  const written = kind.onWrite ? kind.onWrite(object) : object;
  return { object: kind.compiled.default(written), warnings: fieldValidation === 'Warn' ? complaints : [] };
}

/** Built-in kinds may be sent without apiVersion and kind; custom ones may not, nor may an apply. */
function withIdentity(kind: ServedKind, sent: JsonObject): JsonObject {
  const { apiVersion, definition } = kind.compiled;
  const sentKind = property(sent, 'kind') ?? '';
  const sentVersion = property(sent, 'apiVersion') ?? '';
  if (sentKind === '' && !kind.unconditionalUpdate) {
    throw badRequest(`the object provided is unrecognized (must be of type ${definition.kind}): Object 'Kind' is missing`);
  }
  if (sentVersion !== '' && sentVersion !== apiVersion) {
    throw badRequest(
      `the API version in the data (${String(sentVersion)}) does not match the expected API version (${apiVersion})`,
    );
  }
  if (sentKind !== '' && sentKind !== definition.kind) {
    const message = `Invalid value: "${String(sentKind)}": must be ${definition.kind}`;
    throw invalid(kind, nameOf(sent), [{ reason: 'FieldValueInvalid', field: 'kind', message }]);
  }
  return { ...sent, apiVersion, kind: definition.kind };
}

/** Holds the object's name and namespace against the URL and fills in the namespace. */
export function placeObject(object: JsonObject, where: { namespace: string | undefined; name?: string }): JsonObject {
  const namespace = namespaceOf(object);
  if (namespace !== '' && namespace !== (where.namespace ?? '')) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  const name = nameOf(object);
  if (where.name !== undefined && name !== where.name) {
    if (name === '') throw badRequest('name must be provided');
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${where.name})`);
  }
  if (metadataOf(object)['namespace'] === where.namespace) return object;
  return withMetadata(object, { namespace: where.namespace });
}
