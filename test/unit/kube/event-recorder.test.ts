import { beforeEach, describe, expect, test } from 'vitest';
import { ApiError } from '../../../kube/api/api-error.ts';
import type { KubeEvent } from '../../../kube/api/builtins.ts';
import type { Client } from '../../../kube/api/client.ts';
import type { KubeObject, Stored } from '../../../kube/api/objects.ts';
import { createEventRecorder, type EventRecorder, type PublishedEvent } from '../../../kube/runtime/event-recorder.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { configMap } from '../../support/scripted-server.ts';

let clock: FakeClock;
let log: ReturnType<typeof recordingLogger>;
let created: KubeEvent[];
let series: { name: string; count: number }[];
let refuse: (() => Error) | undefined;
let hangs: boolean;
let asked: number;
let recorder: EventRecorder;

beforeEach(() => {
  clock = new FakeClock();
  log = recordingLogger();
  created = [];
  series = [];
  refuse = undefined;
  hangs = false;
  asked = 0;
  recorder = createEventRecorder({ client, clock, logger: log.logger }, { controller: 'jouleops.dev/test', instance: 'pod-0' });
});

const client: Pick<Client, 'create' | 'patch'> = {
  async create<T extends KubeObject>(_: unknown, object: T, { signal }: { signal: AbortSignal }) {
    signal.throwIfAborted();
    asked += 1;
    if (hangs) await new Promise((__, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    if (refuse) throw refuse();
    created.push(object as KubeObject as KubeEvent);
    return object as Stored<T>;
  },
  async patch<T extends KubeObject>(_: unknown, key: { name: string }, patch: { body: unknown }) {
    if (refuse) throw refuse();
    series.push({ name: key.name, count: (patch.body as { series: { count: number } }).series.count });
    return configMap(key.name, '1') as KubeObject as Stored<T>;
  },
};

const happened = (change: Partial<PublishedEvent> = {}): PublishedEvent => ({
  regarding: configMap('one', '5'),
  type: 'Normal',
  reason: 'Placed',
  action: 'Place',
  note: 'on two devices',
  ...change,
});

test('an event says who, what, why and when, in the namespace of its object', async () => {
  recorder.publish(happened({ related: { ...configMap('two', '6') } }));
  await recorder.close();
  expect(created).toEqual([
    {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: expect.stringMatching(/^one\.[0-9a-f]{16}$/), namespace: 'a' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'jouleops.dev/test',
      reportingInstance: 'pod-0',
      action: 'Place',
      reason: 'Placed',
      regarding: { apiVersion: 'v1', kind: 'ConfigMap', name: 'one', namespace: 'a', uid: 'uid-one', resourceVersion: '5' },
      related: { apiVersion: 'v1', kind: 'ConfigMap', name: 'two', namespace: 'a', uid: 'uid-two', resourceVersion: '6' },
      note: 'on two devices',
      type: 'Normal',
    },
  ]);
});

test('events about cluster-scoped objects live in default, and long notes are cut', async () => {
  const device = { apiVersion: 'jouleops.dev/v1alpha1', kind: 'EdgeDevice', metadata: { name: 'pi' } };
  recorder.publish(happened({ regarding: device, note: 'x'.repeat(5000) }));
  await recorder.close();
  expect(created[0]?.metadata.namespace).toBe('default');
  expect(created[0]?.note).toHaveLength(1024);
});

test('a repeat counts in the series of the first, written every half minute at most', async () => {
  recorder.publish(happened());
  await clock.advance(1000);
  for (let second = 0; second < 90; second++) {
    recorder.publish(happened());
    await clock.advance(1000);
  }
  expect(created).toHaveLength(1);
  expect(series.length).toBeGreaterThanOrEqual(2);
  expect(series.length).toBeLessThanOrEqual(4);
  await recorder.close();
  expect(series.at(-1)).toEqual({ name: created[0]?.metadata.name, count: 91 });
});

test('another note, reason or object is another event; after six quiet minutes so is the same', async () => {
  for (const event of [
    happened(),
    happened({ note: 'n' }),
    happened({ reason: 'R' }),
    happened({ regarding: configMap('two', '1') }),
  ]) {
    recorder.publish(event);
  }
  await clock.advance(360_000);
  recorder.publish(happened());
  await recorder.close();
  expect(created).toHaveLength(5);
  expect(series).toEqual([]);
});

test('a server that refuses is a line in the log, never an error, and is not asked again', async () => {
  refuse = () => new ApiError({ status: 403, reason: 'Forbidden', message: 'no' });
  recorder.publish(happened());
  await clock.advance(600_000);
  expect(log.lines.map((line) => line.msg)).toEqual(['an event could not be recorded']);
  await recorder.close();
});

test('a series whose event the server has forgotten is created again', async () => {
  recorder.publish(happened());
  await clock.advance(1000);
  recorder.publish(happened());
  let patches = 0;
  refuse = () => {
    patches += 1;
    refuse = undefined;
    return new ApiError({ status: 404, reason: 'NotFound', message: 'gone' });
  };
  await clock.advance(60_000);
  expect(patches).toBe(1);
  expect(created.map((event) => event.series?.count)).toEqual([undefined, 2]);
  await recorder.close();
});

test('an idle recorder holds no timer, and after close nothing is taken', async () => {
  recorder.publish(happened());
  await clock.advance(0);
  expect(clock.sleeping).toBe(0);
  await recorder.close();
  recorder.publish(happened({ note: 'late' }));
  await clock.advance(60_000);
  expect(created).toHaveLength(1);
});

test('a storm is bounded: the oldest are dropped and counted in the log, not one line each', async () => {
  for (let i = 0; i < 2100; i++) recorder.publish(happened({ note: `${i}` }));
  await recorder.close();
  const dropped = log.lines.map((line) => line.dropped ?? 0);
  expect(created.length + dropped.reduce((sum, count) => sum + count, 0)).toBe(2100);
  expect(created.length).toBeLessThanOrEqual(2001);
  expect(dropped.length).toBeLessThanOrEqual(2);
});

describe('a server that takes events and never answers', () => {
  beforeEach(() => {
    hangs = true;
  });

  test('keeps one call ten seconds from the next, and nobody who publishes', async () => {
    for (const note of ['one', 'two', 'three']) recorder.publish(happened({ note }));
    await clock.advance(0);
    expect(asked).toBe(1);
    await clock.advance(10_000);
    expect(asked).toBe(2);
    expect(log.lines.map(({ err }) => err?.message)).toEqual(['no answer in 10 s']);
    hangs = false;
    await clock.advance(10_000);
    expect(created.map(({ note }) => note)).toEqual(['three']);
    expect(clock.sleeping).toBe(0);
  });

  test('keeps nobody from closing for longer than five seconds', async () => {
    for (let i = 0; i < 100; i++) recorder.publish(happened({ note: `${i}` }));
    const closed = recorder.close().then(() => 'closed');
    await clock.advance(4900);
    expect(await Promise.race([closed, Promise.resolve('open')])).toBe('open');
    await clock.advance(200);
    expect(await Promise.race([closed, Promise.resolve('open')])).toBe('closed');
    expect(asked).toBe(1);
    expect(log.lines.map(({ err, dropped }) => dropped ?? err?.message)).toEqual(['events unsent after 5 s', 99]);
    expect(clock.sleeping).toBe(0);
  });
});
