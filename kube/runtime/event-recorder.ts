// Tells people what happened, as events.k8s.io/v1 objects. Best effort: it never throws, never blocks, and is bounded.
import { createHash, randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { isNotFound, toError } from '../api/api-error.ts';
import { events, type KubeEvent, type ObjectReference } from '../api/builtins.ts';
import type { Client } from '../api/client.ts';
import type { KubeObject } from '../api/objects.ts';
import { microTime } from '../meta/micro-time.ts';
import type { Clock } from './clock.ts';

export interface PublishedEvent {
  regarding: KubeObject;
  related?: KubeObject;
  type: 'Normal' | 'Warning';
  /** CamelCase, unique per controller and action. */
  reason: string;
  /** CamelCase: what was done. */
  action: string;
  /** For people; cut at 1024 characters. */
  note: string;
}

export interface EventRecorder {
  publish(event: PublishedEvent): void;
  /** Sends what is still unsent, for at most five seconds. */
  close(): Promise<void>;
}

/** Something that happens again and again is one event whose series counts. */
interface Series {
  event: KubeEvent;
  count: number;
  lastObservedTime: string;
  lastSeen: number;
  /** Created on the server. */
  stored: boolean;
  /** Occurrences that the server knows of. */
  sentCount: number;
  sentAt: number;
}

/** A repeat after this long is a new event. */
const seriesSeconds = 360;
/** A running series is written this often at most. */
const seriesWriteSeconds = 30;
const maxSeries = 2000;
const maxNoteLength = 1024;
const closeSeconds = 5;
const callSeconds = 10;
/** One line in the log for all that were dropped meanwhile. */
const droppedSeconds = 30;
/** One for all: an abort without a reason makes an exception with a stack. */
const somethingNew = new Error('something was published');
const answered = new Error('the call ended');

export function createEventRecorder(
  deps: { client: Pick<Client, 'create' | 'patch'>; clock: Clock; logger: Logger },
  options: { controller: string; instance: string },
): EventRecorder {
  const { client, clock, logger } = deps;
  const known = new Map<string, Series>();
  const closing = new AbortController();
  const abort = new AbortController();
  let sending: Promise<void> | undefined;
  let wake = new AbortController();
  const dropped = { count: 0, saidAt: Number.NEGATIVE_INFINITY };

  function publish(published: PublishedEvent): void {
    if (closing.signal.aborted) return;
    const now = clock.monotonic();
    const id = identityOf(published);
    const series = known.get(id);
    if (series && now - series.lastSeen < seriesSeconds * 1000) {
      series.count += 1;
      series.lastObservedTime = microTime(clock.now());
      series.lastSeen = now;
    } else {
      known.delete(id);
      known.set(id, newSeries(published, now));
      dropOldest(now);
    }
    wake.abort(somethingNew);
    sending ??= sendLoop();
  }

  function newSeries(published: PublishedEvent, now: number): Series {
    const event = eventOf(published, options, clock.now());
    return { event, count: 1, lastObservedTime: event.eventTime, lastSeen: now, stored: false, sentCount: 0, sentAt: now };
  }

  function dropOldest(now: number): void {
    for (const [id, series] of known) {
      if (known.size <= maxSeries) break;
      known.delete(id);
      if (series.sentCount < series.count) dropped.count += 1;
    }
    if (now - dropped.saidAt >= droppedSeconds * 1000) sayDropped(now);
  }

  function sayDropped(now: number): void {
    if (dropped.count === 0) return;
    logger.warn({ dropped: dropped.count }, 'more events than the API server takes, the oldest were dropped');
    dropped.count = 0;
    dropped.saidAt = now;
  }

  /** Runs while anything is unsent, then ends; publish starts it again. */
  async function sendLoop(): Promise<void> {
    for (;;) {
      wake = new AbortController();
      const now = clock.monotonic();
      forgetEnded(now);
      const unsent = [...known.values()].filter((series) => series.sentCount < series.count);
      const due = unsent.filter((series) => isDue(series, now));
      for (const series of due) if (!abort.signal.aborted) await send(series);
      if (abort.signal.aborted) break;
      if (due.length > 0) continue;
      const next = Math.min(...unsent.map((series) => series.sentAt + seriesWriteSeconds * 1000));
      if (!Number.isFinite(next)) break;
      await pause(next - now);
    }
    sending = undefined;
  }

  function isDue(series: Series, now: number): boolean {
    return !series.stored || closing.signal.aborted || now - series.sentAt >= seriesWriteSeconds * 1000;
  }

  function forgetEnded(now: number): void {
    for (const [id, series] of known) {
      if (series.sentCount === series.count && now - series.lastSeen >= seriesSeconds * 1000) known.delete(id);
    }
  }

  async function send(series: Series): Promise<void> {
    const { count, lastObservedTime, event } = series;
    series.sentCount = count; // also on failure: an event that the server refuses is not worth a second try
    series.sentAt = clock.monotonic();
    const withSeries = count === 1 ? event : { ...event, series: { count: Math.max(2, count), lastObservedTime } };
    const ended = new AbortController();
    const late = new AbortController();
    clock.sleep(callSeconds * 1000, ended.signal).then(
      () => late.abort(new Error(`no answer in ${callSeconds} s`)),
      () => undefined, // the answer was quicker
    );
    const signal = AbortSignal.any([abort.signal, late.signal]);
    try {
      if (series.stored && (await patched(event, { count, lastObservedTime }, signal))) return;
      series.stored = true;
      await client.create(events, withSeries, { signal });
    } catch (error) {
      logger.warn({ err: toError(error), reason: event.reason, regarding: event.regarding }, 'an event could not be recorded');
    } finally {
      ended.abort(answered);
    }
  }

  /** False when the server has forgotten the event (they live about an hour). */
  async function patched(event: KubeEvent, series: NonNullable<KubeEvent['series']>, signal: AbortSignal): Promise<boolean> {
    try {
      await client.patch(events, event.metadata, { kind: 'merge', body: { series } }, { signal });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /** Ends early when something is published, and when the recorder closes, because everything is due then. */
  async function pause(milliseconds: number): Promise<void> {
    await clock.sleep(milliseconds, AbortSignal.any([closing.signal, wake.signal])).catch(() => undefined);
  }

  return {
    publish,
    async close() {
      closing.abort();
      const ended = new AbortController();
      clock.sleep(closeSeconds * 1000, ended.signal).then(
        () => abort.abort(new Error(`events unsent after ${closeSeconds} s`)),
        () => undefined, // all were sent
      );
      await sending;
      ended.abort(answered);
      dropped.count += [...known.values()].filter((series) => series.sentCount < series.count).length;
      sayDropped(clock.monotonic());
    },
  };
}

function eventOf(published: PublishedEvent, options: { controller: string; instance: string }, now: number): KubeEvent {
  const { regarding, related, type, reason, action } = published;
  // Events about cluster-scoped objects live in `default`.
  const namespace = regarding.metadata.namespace ?? 'default';
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: `${regarding.metadata.name.slice(0, 230)}.${randomBytes(8).toString('hex')}`, namespace },
    eventTime: microTime(now),
    reportingController: options.controller,
    reportingInstance: options.instance.slice(0, 128),
    action,
    reason,
    regarding: referenceTo(regarding),
    ...(related === undefined ? {} : { related: referenceTo(related) }),
    note: published.note.slice(0, maxNoteLength).toWellFormed(),
    type,
  };
}

function referenceTo(object: KubeObject): ObjectReference {
  const { namespace, name, uid, resourceVersion } = object.metadata;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}

function identityOf({ regarding, related, type, reason, action, note }: PublishedEvent): string {
  const { namespace, name, uid } = regarding.metadata;
  const parts = [regarding.kind, namespace, name, uid, related?.metadata.uid, type, reason, action, note];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
}
