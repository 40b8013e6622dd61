// Causes of an invalid object, worded as Kubernetes words them (k8s.io/apimachinery, util/validation/field).
import type { JsonValue } from '../json.ts';
import type { Cause, CauseReason } from '../structural-schema.ts';

const words: Record<CauseReason, string> = {
  FieldValueInvalid: 'Invalid value',
  FieldValueRequired: 'Required value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueTypeInvalid: 'Invalid value',
  FieldValueTooLong: 'Too long',
  FieldValueTooMany: 'Too many',
  FieldValueForbidden: 'Forbidden',
  InternalError: 'Internal error',
};

/** How Kubernetes prints a field path that is not there: errors about no field in particular carry it. */
export const noField = '<nil>';

function cause(reason: CauseReason, field: string, value: JsonValue | undefined, detail: string): Cause {
  const shown = value === undefined ? '' : `: ${JSON.stringify(value)}`;
  return { reason, field, message: `${words[reason]}${shown}${detail === '' ? '' : `: ${detail}`}` };
}

/** Leave the value undefined to keep it out of the message. */
export function invalid(field: string, value: JsonValue | undefined, detail: string): Cause {
  return cause('FieldValueInvalid', field, value, detail);
}

export function typeInvalid(field: string, value: JsonValue, detail: string): Cause {
  return cause('FieldValueTypeInvalid', field, value, detail);
}

export function required(field: string, detail = ''): Cause {
  return cause('FieldValueRequired', field, undefined, detail);
}

export function forbidden(field: string, detail: string): Cause {
  return cause('FieldValueForbidden', field, undefined, detail);
}

export function duplicate(field: string, value: JsonValue | undefined): Cause {
  return cause('FieldValueDuplicate', field, value, '');
}

export function notSupported(field: string, value: JsonValue, accepted: readonly JsonValue[]): Cause {
  const list = accepted.map((item) => JSON.stringify(typeof item === 'string' ? item : JSON.stringify(item)));
  return cause('FieldValueNotSupported', field, value, list.length === 0 ? '' : `supported values: ${list.join(', ')}`);
}

export function tooLong(field: string, maxLength: number): Cause {
  return cause('FieldValueTooLong', field, undefined, `may not be more than ${maxLength} ${maxLength === 1 ? 'byte' : 'bytes'}`);
}

export function tooMany(field: string, actual: number, max: number): Cause {
  return cause('FieldValueTooMany', field, actual, `must have at most ${max} ${max === 1 ? 'item' : 'items'}`);
}

/** A member of an object with named fields. */
export function child(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

export function index(path: string, position: number): string {
  return `${path}[${position}]`;
}

/** A key of a free map. */
export function key(path: string, name: string): string {
  return `${path}[${name}]`;
}
