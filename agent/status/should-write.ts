// When a status is worth a write: at once when it says something else, and for mere numbers only when they moved. Pure.

export interface LastWrite {
  status: unknown;
  /** Monotonic milliseconds. */
  at: number;
}

const movedRelative = 0.05;
const quietMilliseconds = 300_000;

/** Follow from the other fields: alone they are no news. */
const times = new Set(['time', 'lastTransitionTime']);
/**
 * Each change of a test is a look, which the controller waits for; so is a generation that was seen. What names a thing is never an amount,
 * though it may look like one: runtime 1.31 after 1.30, power mode 10W after 15W.
 */
const alwaysNews = new Set(['tests', 'observedGeneration', 'classKey', 'revision', 'name', 'source', 'agentVersion']);
/** Fields that tell the items of a list apart, whatever their order. */
const identities = ['type', 'revision', 'id', 'name', 'boundary'] as const;

export function shouldWrite(last: LastWrite | undefined, next: unknown, now: number): boolean {
  if (!last) return true;
  const change = compare(last.status, next, false);
  return change === 'news' || (change === 'moved' && now - last.at >= quietMilliseconds);
}

type Change = 'same' | 'moved' | 'news';

function compare(before: unknown, after: unknown, strict: boolean): Change {
  if (Object.is(before, after)) return 'same';
  if (Array.isArray(before) && Array.isArray(after)) {
    if (before.length !== after.length) return 'news';
    const sorted = inOrder(after);
    return worst(inOrder(before).map((item, index) => compare(item, sorted[index], strict)));
  }
  if (isObject(before) && isObject(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return worst([...keys].map((key) => compareField(key, before[key], after[key], strict)));
  }
  if (strict) return 'news';
  const [a, b] = [amountOf(before), amountOf(after)];
  if (a === undefined || b === undefined || a.unit !== b.unit) return 'news';
  return Math.abs(b.value - a.value) > movedRelative * Math.max(Math.abs(a.value), Math.abs(b.value)) ? 'moved' : 'same';
}

function compareField(key: string, before: unknown, after: unknown, strict: boolean): Change {
  if (before === undefined && after === undefined) return 'same';
  if (alwaysNews.has(key)) return compare(before, after, true);
  if (!strict && times.has(key) && before !== undefined && after !== undefined) return 'same';
  if (!strict && key === 'message' && typeof before === 'string' && typeof after === 'string')
    return sameWords(before, after) ? 'same' : 'moved';
  return compare(before, after, strict);
}

/** The numbers in a message are fields as well, and judged there. */
function sameWords(before: string, after: string): boolean {
  const words = (text: string) => text.replace(/\d+(\.\d+)?/g, '#');
  return words(before) === words(after);
}

/** An API server merges lists item by item, so theirs and ours need not be in one order. */
function inOrder(items: readonly unknown[]): readonly unknown[] {
  const keyOf = (item: unknown): string | undefined => {
    if (typeof item === 'string') return item;
    const identity = isObject(item) ? identities.find((field) => typeof item[field] === 'string') : undefined;
    return isObject(item) && identity !== undefined ? String(item[identity]) : undefined;
  };
  return items.toSorted((a, b) => (keyOf(a) ?? '').localeCompare(keyOf(b) ?? ''));
}

function worst(changes: readonly Change[]): Change {
  if (changes.includes('news')) return 'news';
  return changes.includes('moved') ? 'moved' : 'same';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const prefixes: Record<string, number> = { µ: 1e-6, u: 1e-6, m: 1e-3, k: 1e3 };

/** A number, or a number with its unit such as `31.2mJ`; 900µJ and 0.9mJ are one amount. */
function amountOf(value: unknown): { value: number; unit: string } | undefined {
  if (typeof value === 'number') return { value, unit: '' };
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)(?:([µumk]?)(J|Wh|W)|([a-zA-Z]{0,3}))$/.exec(value) : null;
  if (!match) return undefined;
  const [, digits, prefix = '', base, other = ''] = match;
  return base === undefined
    ? { value: Number(digits), unit: other }
    : { value: Number(digits) * (prefixes[prefix] ?? 1), unit: base };
}
