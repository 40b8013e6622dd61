import { isTrue } from '../http/request-info.ts';
import { badRequest, invalidOption, tooLargeResourceVersion } from '../http/status-error.ts';
import { readResourceVersion } from '../registry/list.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** Where a watch begins. */
type WatchStart =
  /** The current state as ADDED events, then what follows. */
  | { readonly kind: 'state'; readonly announceEnd: boolean }
  /** What came after a revision. */
  | { readonly kind: 'after'; readonly revision: number };

export interface WatchOptions {
  readonly start: WatchStart;
  readonly bookmarks: boolean;
  readonly timeoutSeconds: number;
}

/** As kube-apiserver's default of at least half an hour: clients that want less say so. */
const defaultTimeoutSeconds = 1800;

/** A revision that is no longer kept is told by the stream itself, as an ERROR event: that is where Kubernetes tells it. */
export function readWatchOptions(store: ObjectStore, query: URLSearchParams): WatchOptions {
  const wanted = query.get('resourceVersion') ?? '';
  const bookmarks = isTrue(query.get('allowWatchBookmarks'));
  const timeout = Number(query.get('timeoutSeconds') ?? 0);
  if (!Number.isInteger(timeout) || timeout < 0)
    throw badRequest(`timeoutSeconds must be a whole number, got "${query.get('timeoutSeconds')}"`);
  const timeoutSeconds = timeout === 0 ? defaultTimeoutSeconds : timeout;
  const sendInitialEvents = query.get('sendInitialEvents');
  checkMatch(query, sendInitialEvents);
  const fromState = sendInitialEvents === null ? wanted === '' || wanted === '0' : isTrue(sendInitialEvents);
  const revision = wanted === '' ? store.revision : readResourceVersion(wanted);
  if (revision > store.revision) throw tooLargeResourceVersion(revision, store.revision);
  if (fromState)
    return { start: { kind: 'state', announceEnd: sendInitialEvents !== null && bookmarks }, bookmarks, timeoutSeconds };
  return { start: { kind: 'after', revision }, bookmarks, timeoutSeconds };
}

function checkMatch(query: URLSearchParams, sendInitialEvents: string | null): void {
  const match = query.get('resourceVersionMatch') ?? '';
  const forbid = (message: string) =>
    invalidOption('ListOptions', {
      reason: 'FieldValueForbidden',
      field: 'resourceVersionMatch',
      message: `Forbidden: ${message}`,
    });
  if (sendInitialEvents !== null && match !== 'NotOlderThan') {
    throw forbid('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  }
  if (sendInitialEvents === null && match !== '')
    throw forbid('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
}
