import type { AnyObject } from './objects.ts';

/** One object, or one change of an object, and what a server must say to it. */
export interface RuleCase {
  says: string;
  object: AnyObject;
  /** The object as it was: the case is an update. */
  before?: AnyObject;
  /** Every cause of the refusal, in any order. Empty: accepted. */
  causes: RefusalCause[];
}

export interface RefusalCause {
  field: string;
  reason: string;
}

type Refusal = [field: string, reason: string];
const causesOf = (refusals: Refusal[]): RefusalCause[] => refusals.map(([field, reason]) => ({ field, reason }));

export const accepted = (says: string, object: AnyObject): RuleCase => ({ says, object, causes: [] });

export const rejected = (says: string, object: AnyObject, ...refusals: Refusal[]): RuleCase => ({
  says,
  object,
  causes: causesOf(refusals),
});

export const change = (says: string, before: AnyObject, object: AnyObject, ...refusals: Refusal[]): RuleCase => ({
  says,
  before,
  object,
  causes: causesOf(refusals),
});

export const invalid = 'FieldValueInvalid';
export const required = 'FieldValueRequired';
export const forbidden = 'FieldValueForbidden';
export const notSupported = 'FieldValueNotSupported';
export const duplicate = 'FieldValueDuplicate';
export const tooMany = 'FieldValueTooMany';
export const tooLong = 'FieldValueTooLong';

/**
 * A server that found a broken schema checks no rules and says so in a cause without a field: it tells nothing about the object.
 * Kubernetes also sends one cause per (field, reason) to a client that asks for the field alone, so pairs are compared.
 */
export function comparable(causes: readonly { field?: string; reason?: string }[]): string[] {
  const told = causes.filter(({ field }) => field !== undefined && field !== '<nil>' && field !== '');
  return [...new Set(told.map(({ field, reason }) => `${field} ${reason}`))].sort();
}
