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

/** Deep equality of JSON, blind to key order and to keys that are undefined. */
export function sameContent(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}
