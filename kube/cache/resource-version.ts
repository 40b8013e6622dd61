/**
 * Whether `a` is an earlier version than `b` of the same resource type. API servers promise since 1.35 that versions are
 * decimal integers that grow; anything else is not comparable, and then nothing is called earlier.
 */
export function isEarlier(a: string, b: string): boolean {
  if (!decimal.test(a) || !decimal.test(b)) return false;
  return a.length === b.length ? a < b : a.length < b.length;
}

/** `next` unless it is certainly earlier. */
export function laterOf(current: string, next: string): string {
  return isEarlier(next, current) ? current : next;
}

const decimal = /^(0|[1-9]\d*)$/;
