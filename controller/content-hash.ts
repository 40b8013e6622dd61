import { createHash } from 'node:crypto';

/** A short name for content: the same for equal JSON whatever the order of its keys; absent and undefined are the same. */
export function contentHash(value: unknown, length = 10): string {
  return createHash('sha256').update(canonical(value)).digest('hex').slice(0, length);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((entry) => canonical(entry ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const entries = Object.entries(value)
    .filter(([, entry]) => entry !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${canonical(entry)}`).join(',')}}`;
}

/** Deep equality of JSON, blind to key order and to keys that are undefined; absent and null are the same but as a key's value. */
export function sameContent(a: unknown, b: unknown): boolean {
  const [left, right] = [a ?? null, b ?? null];
  if (left === right) return true;
  if (Array.isArray(left) || Array.isArray(right)) return Array.isArray(left) && Array.isArray(right) && sameItems(left, right);
  if (!isRecord(left) || !isRecord(right)) return false;
  return holdsAllOf(left, right) && definedKeys(left) === definedKeys(right);
}

type JsonRecord = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null;
}

function sameItems(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((item, index) => sameContent(item, right[index]));
}

function holdsAllOf(left: JsonRecord, right: JsonRecord): boolean {
  for (const key of Object.keys(left)) {
    const [own, other] = [left[key], right[key]];
    if (own !== undefined && (other === undefined || !sameContent(own, other))) return false;
  }
  return true;
}

function definedKeys(value: JsonRecord): number {
  let count = 0;
  for (const key of Object.keys(value)) if (value[key] !== undefined) count++;
  return count;
}
