// From what a client sent to an object of the kind that its path serves.
import { badRequest, invalidAs, StatusError } from '../http/status-error.ts';
import { isObject, type JsonObject, type JsonValue, property } from '../schema/json.ts';
import { metadataOf, nameOf, namespaceOf, text, withMetadata } from '../storage/stored-object.ts';
import type { ServedKind } from './served-kind.ts';
import type { FieldValidation } from './write-options.ts';

export interface Sent {
  readonly sent: JsonObject;
  /** Paths that the body says twice. */
  readonly duplicates: readonly string[];
}

export interface Decoded {
  readonly object: JsonObject;
  /** Texts of Warning headers. */
  readonly warnings: string[];
}

/** The body cannot be read as this kind. Creates and updates answer 400, patches 422 as Kubernetes does. */
export class DecodingError extends StatusError {
  readonly why: string;

  constructor(kind: ServedKind, why: string) {
    const { kind: name, version } = kind.compiled.definition;
    super(400, 'BadRequest', `${name} in version "${version}" cannot be handled as a ${name}: ${why}`);
    this.why = why;
  }
}

/** Checks apiVersion and kind, drops unknown fields as `fieldValidation` says, and fills in defaults. */
export function decodeObject(kind: ServedKind, { sent, duplicates }: Sent, fieldValidation: FieldValidation): Decoded {
  const { object, unknown, malformed } = kind.compiled.prune(withIdentity(kind, sent));
  if (malformed !== undefined) throw new DecodingError(kind, malformed);
  const complaints = [
    ...duplicates.map((path) => `duplicate field "${path}"`),
    ...unknown.map((path) => `unknown field "${path}"`),
  ];
  if (complaints.length > 0 && fieldValidation === 'Strict') {
    throw new DecodingError(kind, `strict decoding error: ${complaints.join(', ')}`);
  }
  checkMicroTimes(kind, object);
  const written = kind.onWrite ? kind.onWrite(object) : object;
  return { object: kind.compiled.default({ ...kind.zero, ...written }), warnings: fieldValidation === 'Warn' ? complaints : [] };
}

const microTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}(Z|[+-]\d{2}:\d{2})$/;

function checkMicroTimes(kind: ServedKind, object: JsonObject): void {
  for (const path of kind.microTimes ?? []) {
    const value = path.reduce<JsonValue | undefined>(
      (parent, key) => (isObject(parent) ? property(parent, key) : undefined),
      object,
    );
    if (value === undefined || value === null || (typeof value === 'string' && microTime.test(value))) continue;
    const why = `${path.join('.')} must be a time with exactly six decimals such as 2006-01-02T15:04:05.000000Z, got ${JSON.stringify(value)}`;
    throw new DecodingError(kind, why);
  }
}

/** Built-in kinds may be sent without apiVersion and kind; custom ones may not, nor may an apply. */
function withIdentity(kind: ServedKind, sent: JsonObject): JsonObject {
  const { apiVersion, definition } = kind.compiled;
  const sentKind = text(sent, 'kind');
  const sentVersion = text(sent, 'apiVersion');
  if (sentKind === '' && !kind.builtIn) {
    throw badRequest(`the object provided is unrecognized (must be of type ${definition.kind}): Object 'Kind' is missing`);
  }
  if (sentVersion !== '' && sentVersion !== apiVersion) {
    throw badRequest(`the API version in the data (${sentVersion}) does not match the expected API version (${apiVersion})`);
  }
  if (sentKind !== '' && sentKind !== definition.kind) {
    const message = `Invalid value: "${sentKind}": must be ${definition.kind}`;
    throw invalidAs(kind, sentKind, nameOf(sent), [{ reason: 'FieldValueInvalid', field: 'kind', message }]);
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
