import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { type ApiSources, registerApi } from '../../../controller/web/api.ts';
import { latestEvents } from '../../../controller/web/latest-events.ts';
import type { EdgeDevice } from '../../../crds/edge-device.ts';
import type { KubeEvent } from '../../../kube/api/builtins.ts';
import type { Client } from '../../../kube/api/client.ts';
import { Store } from '../../../kube/cache/store.ts';

const signal = new AbortController().signal;

const event = (name: string, eventTime: string, more: Partial<KubeEvent> = {}) => ({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { name, namespace: 'default', uid: name, resourceVersion: '1', creationTimestamp: eventTime },
  eventTime,
  reportingController: 'jouleops.dev/controller',
  reportingInstance: 'test',
  action: 'Observe',
  reason: name,
  regarding: { apiVersion: 'jouleops.dev/v1alpha1', kind: 'EdgeDevice', name: 'pi' },
  type: 'Normal' as const,
  ...more,
});

describe('the latest events', () => {
  it('are ours, the last first, wherever an API server lists them among those of others', async () => {
    const pod = { regarding: { apiVersion: 'v1', kind: 'Pod', name: 'web' } };
    const others = Array.from({ length: 499 }, (_, at) => event(`a-${at}`, '2026-01-09T00:00:00.000000Z', pod));
    const pages = [
      [...others, event('first', '2026-01-01T00:00:00.000000Z')],
      [
        event('third', '2026-01-03T00:00:00.000000Z'),
        event('second', '2026-01-02T00:00:00.000000Z'),
        event('repeated', '2026-01-01T00:00:00.000000Z', {
          series: { count: 3, lastObservedTime: '2026-01-04T00:00:00.000000Z' },
        }),
      ],
    ];
    const client = {
      list: async (_: unknown, options: { continue?: string }) => {
        const at = Number(options.continue ?? 0);
        const next = at + 1 < pages.length ? { continue: String(at + 1) } : {};
        return { apiVersion: 'v1', kind: 'EventList', metadata: { resourceVersion: '1', ...next }, items: pages[at] ?? [] };
      },
    } as Pick<Client, 'list'>;
    const reasons = (items: KubeEvent[]) => items.map(({ reason }) => reason);
    expect(reasons(await latestEvents(client, 500, signal))).toEqual(['repeated', 'third', 'second', 'first']);
    expect(reasons(await latestEvents(client, 2, signal))).toEqual(['repeated', 'third']);
  });
});

describe('the fleet in one answer', () => {
  it('counts devices of a class whatever its name is', async () => {
    const devices = new Store<EdgeDevice>();
    const metadata = { uid: 'u', resourceVersion: '1', creationTimestamp: '' };
    for (const [name, deviceClassName] of [
      ['a', 'constructor'],
      ['b', 'constructor'],
      ['c', 'pi'],
    ] as const)
      devices.put({
        apiVersion: 'v',
        kind: 'EdgeDevice',
        metadata: { ...metadata, name },
        spec: {},
        status: { deviceClassName },
      });
    const stores: Partial<ApiSources['stores']> = {
      devices,
      deployments: new Store(),
      versions: new Store(),
      instances: new Store(),
      classes: new Store(),
    };
    const app = Fastify();
    registerApi(app, { stores } as ApiSources);
    const answer = await app.inject('/api/fleet');
    expect(answer.json()).toMatchObject({ devices: { constructor: { Unknown: 2 }, pi: { Unknown: 1 } } });
    await app.close();
  });
});
