import type { Condition } from '../api/objects.ts';

/** A message for people; more would not be read, and every watcher pays for it. */
const maxMessageLength = 1024;

export type ConditionUpdate = Omit<Condition, 'lastTransitionTime'>;

/**
 * The conditions with `next` in place of its type. lastTransitionTime moves only with status, and when nothing at all
 * differs the same array comes back, so that the same world twice writes nothing. `now` is an RFC 3339 time.
 */
export function setCondition(conditions: Condition[], next: ConditionUpdate, now: string): Condition[] {
  const at = conditions.findIndex((condition) => condition.type === next.type);
  const before = conditions[at];
  const lastTransitionTime = before?.status === next.status ? before.lastTransitionTime : withoutFraction(now);
  const after: Condition = { ...next, message: truncate(next.message), lastTransitionTime };
  if (before === undefined) return [...conditions, after];
  return same(before, after) ? conditions : conditions.with(at, after);
}

/** For conditions that are present only while true (Reconciling, Stalled). */
export function removeCondition(conditions: Condition[], type: string): Condition[] {
  return conditions.some((condition) => condition.type === type)
    ? conditions.filter((condition) => condition.type !== type)
    : conditions;
}

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

export function isFalse(conditions: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'False';
}

function same(a: Condition, b: Condition): boolean {
  return (
    a.status === b.status &&
    a.reason === b.reason &&
    a.message === b.message &&
    a.lastTransitionTime === b.lastTransitionTime &&
    a.observedGeneration === b.observedGeneration
  );
}

/** metav1.Time has whole seconds: a fraction would come back cut and differ for ever. */
function withoutFraction(time: string): string {
  return time.replace(/\.\d+(?=Z$)/, '');
}

function truncate(message: string): string {
  return message.length <= maxMessageLength ? message : `${message.slice(0, maxMessageLength - 1).toWellFormed()}…`;
}
