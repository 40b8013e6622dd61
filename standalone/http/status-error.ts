import { toError } from '../../kube/api/api-error.ts';
import type { Status } from '../../kube/api/objects.ts';
import { qualifiedResource, type ServedKind } from '../registry/served-kind.ts';
import type { Cause } from '../schema/structural-schema.ts';
import { StandaloneError } from '../standalone-error.ts';

type Details = NonNullable<Status['details']>;

/** An answer that is not a success, as every Kubernetes client understands it. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: Details | undefined;

  constructor(code: number, reason: string, message: string, details?: Details, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StatusError';
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason === '' ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

function resourceDetails(kind: ServedKind, name: string): Details {
  const { group, plural } = kind.compiled.definition;
  return { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: plural };
}

export function notFound(kind: ServedKind, name: string): StatusError {
  return new StatusError(404, 'NotFound', `${qualifiedResource(kind)} "${name}" not found`, resourceDetails(kind, name));
}

export function noSuchResource(): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function alreadyExists(kind: ServedKind, name: string): StatusError {
  const message = `${qualifiedResource(kind)} "${name}" already exists`;
  return new StatusError(409, 'AlreadyExists', message, resourceDetails(kind, name));
}

export function modified(kind: ServedKind, name: string): StatusError {
  const why = 'the object has been modified; please apply your changes to the latest version and try again';
  return conflict(kind, name, why);
}

export function conflict(kind: ServedKind, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualifiedResource(kind)} "${name}": ${why}`;
  return new StatusError(409, 'Conflict', message, resourceDetails(kind, name));
}

export function invalid(kind: ServedKind, name: string, causes: readonly Cause[]): StatusError {
  return invalidAs(kind, kind.compiled.definition.kind, name, causes);
}

/** What an answer names of what is wrong. A body of three megabytes can be wrong in a hundred thousand places. */
const maximumCauses = 100;

/** With the kind that the client wrote, right or wrong. */
export function invalidAs({ compiled }: ServedKind, kindName: string, name: string, causes: readonly Cause[]): StatusError {
  const { group } = compiled.definition;
  const told = causes.slice(0, maximumCauses);
  const more = causes.length > told.length ? [`and ${causes.length - told.length} more`] : [];
  const lines = [...told.map((cause) => `${cause.field}: ${cause.message}`), ...more];
  const subject = group === '' ? kindName : `${kindName}.${group}`;
  const message = `${subject} "${name}" is invalid: ${lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`}`;
  return new StatusError(422, 'Invalid', message, {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind: kindName,
    causes: told.map(({ reason, message: why, field }) => ({ reason, message: why, field })),
  });
}

/** Throws when there is something to complain about. */
export function refuseInvalid(kind: ServedKind, name: string, causes: readonly Cause[]): void {
  const mistyped = kind.builtIn ? causes.find(({ reason }) => reason === 'FieldValueTypeInvalid') : undefined;
  if (mistyped) {
    const { kind: kindName, version } = kind.compiled.definition;
    const why = `${mistyped.field}: ${mistyped.message}`;
    throw badRequest(`${kindName} in version "${version}" cannot be handled as a ${kindName}: ${why}`);
  }
  if (causes.length > 0) throw invalid(kind, name, causes);
}

export function invalidOption(kind: `${'Create' | 'Update' | 'Patch' | 'List' | 'Delete'}Options`, cause: Cause): StatusError {
  return new StatusError(422, 'Invalid', `${kind}.meta.k8s.io "" is invalid: ${cause.field}: ${cause.message}`, {
    group: 'meta.k8s.io',
    kind,
    causes: [{ reason: cause.reason, message: cause.message, field: cause.field }],
  });
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}

export function unauthorized(): StatusError {
  return new StatusError(401, 'Unauthorized', 'Unauthorized');
}

export function methodNotAllowed(): StatusError {
  return new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`;
  return new StatusError(415, 'UnsupportedMediaType', message);
}

export function expired(message: string): StatusError {
  return new StatusError(410, 'Expired', message);
}

export function tooLargeResourceVersion(wanted: number, current: number): StatusError {
  const message = `Timeout: Too large resource version: ${wanted}, current: ${current}`;
  return new StatusError(504, 'Timeout', message, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}

export function internalError(error: unknown): StatusError {
  const next = error instanceof StandaloneError ? `. ${error.next}` : '';
  const message = `${toError(error).message}${next}`;
  return new StatusError(
    500,
    'InternalError',
    `Internal error occurred: ${message}`,
    { causes: [{ message }] },
    { cause: error },
  );
}
