import type { WatchEvent } from './client.ts';
import type { KubeObject } from './objects.ts';

export class WatchStreamError extends Error {
  override readonly name = 'WatchStreamError';
  /** Malformed: events may be lost, list again. Stalled: nothing is known to be lost, watch again. */
  readonly kind: 'malformed' | 'stalled';

  constructor(kind: 'malformed' | 'stalled', message: string) {
    super(message);
    this.kind = kind;
  }
}

const eventTypes = new Set<unknown>(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']);

/** One line of a watch; anything else than an event is an error, because a skipped line is a lost change. */
export function parseWatchEvent<T extends KubeObject>(line: string, call: string): WatchEvent<T> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    throw new WatchStreamError('malformed', `${call}: a watch line is not JSON: ${JSON.stringify(line.slice(0, 80))}`);
  }
  if (!isWatchEvent<T>(parsed)) {
    throw new WatchStreamError('malformed', `${call}: a watch line is not an event: ${JSON.stringify(line.slice(0, 80))}`);
  }
  return parsed;
}

function isWatchEvent<T extends KubeObject>(value: unknown): value is WatchEvent<T> {
  if (typeof value !== 'object' || value === null || !('type' in value) || !('object' in value)) return false;
  if (!eventTypes.has(value.type) || typeof value.object !== 'object' || value.object === null) return false;
  if (value.type === 'ERROR') return true;
  const metadata = 'metadata' in value.object ? value.object.metadata : undefined;
  return (
    typeof metadata === 'object' &&
    metadata !== null &&
    'resourceVersion' in metadata &&
    typeof metadata.resourceVersion === 'string' &&
    (value.type === 'BOOKMARK' || ('name' in metadata && typeof metadata.name === 'string'))
  );
}
