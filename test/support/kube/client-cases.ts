import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { edgeDevices } from '../../../crds/resources.ts';
import {
  isAlreadyExists,
  isConflict,
  isExpired,
  isForbidden,
  isInvalid,
  isNotFound,
  isUnauthorized,
} from '../../../kube/api/api-error.ts';
import { configMaps, events, leases, namespaces } from '../../../kube/api/builtins.ts';
import type { Client } from '../../../kube/api/client.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import { listAll } from '../../../kube/cache/list-pager.ts';
import { setCondition } from '../../../kube/meta/conditions.ts';
import { microTime } from '../../../kube/meta/micro-time.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';
import { createEventRecorder } from '../../../kube/runtime/event-recorder.ts';
import { silentLogger } from '../silent-logger.ts';
import type { ApiServer } from './api-server.ts';

const signal = AbortSignal.timeout(110_000);
const namespace = `kube-${randomBytes(4).toString('hex')}`;

/** The same cases for the embedded and for a real API server: the client as the product uses it. */
export function clientCases(start: () => Promise<ApiServer>): void {
  let api: ApiServer;
  let client: Client;

  beforeAll(async () => {
    api = await start();
    client = createClient(api.admin);
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { signal });
  });
  afterAll(async () => {
    await client.delete(namespaces, { name: namespace }, { signal });
    await client.close();
    await api.close();
  });

  const configMap = (name: string, data: Record<string, string> = {}) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace },
    data,
  });

  test('creates, reads, replaces, patches and deletes', async () => {
    const created = await client.create(configMaps, configMap('whole', { a: '1' }), { signal });
    expect(created).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', data: { a: '1' } });
    await expect(client.create(configMaps, configMap('whole'), { signal })).rejects.toSatisfy(isAlreadyExists);

    const replaced = await client.replace(configMaps, { ...created, data: { a: '2' } }, { signal });
    await expect(client.replace(configMaps, { ...created, data: { a: '3' } }, { signal })).rejects.toSatisfy(isConflict);
    expect((await client.get(configMaps, { namespace, name: 'whole' }, { signal })).metadata.resourceVersion).toBe(
      replaced.metadata.resourceVersion,
    );

    const key = { namespace, name: 'whole' };
    const merged = await client.patch(configMaps, key, { kind: 'merge', body: { data: { b: '4' } } }, { signal });
    expect(merged.data).toEqual({ a: '2', b: '4' });
    const body = [{ op: 'remove', path: '/data/a' }];
    expect((await client.patch(configMaps, key, { kind: 'json', body }, { signal })).data).toEqual({ b: '4' });

    await expect(client.delete(configMaps, key, { signal, uid: 'not-the-uid' })).rejects.toSatisfy(isConflict);
    await client.delete(configMaps, key, { signal, uid: created.metadata.uid });
    await expect(client.get(configMaps, key, { signal })).rejects.toSatisfy(isNotFound);
  });

  test('a dry run writes nothing', async () => {
    await client.create(configMaps, configMap('dry'), { signal, dryRun: true });
    await expect(client.get(configMaps, { namespace, name: 'dry' }, { signal })).rejects.toSatisfy(isNotFound);
  });

  test('apply owns exactly the fields it sends, and takes no others without force', async () => {
    const apply = (data: Record<string, string>, fieldManager: string, force = true) =>
      client.apply(configMaps, configMap('applied', data), { signal, fieldManager, force });
    const first = await apply({ a: '1', b: '1' }, 'one');
    expect((await apply({ a: '1', b: '1' }, 'one')).metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    expect((await apply({ c: '1' }, 'two')).data).toEqual({ a: '1', b: '1', c: '1' });
    expect((await apply({ a: '1' }, 'one')).data).toEqual({ a: '1', c: '1' });
    await expect(apply({ a: '9' }, 'two', false)).rejects.toSatisfy(isConflict);
  });

  test('an apply that names the uid of a deleted object does not bring it back', async () => {
    const object = await client.apply(configMaps, configMap('gone'), { signal, fieldManager: 'one' });
    await client.delete(configMaps, { namespace, name: 'gone' }, { signal });
    const again = { ...configMap('gone'), metadata: { namespace, name: 'gone', uid: object.metadata.uid } };
    await expect(client.apply(configMaps, again, { signal, fieldManager: 'one' })).rejects.toSatisfy(isConflict);
  });

  test('applyStatus writes status alone, and the same status twice is no new version', async () => {
    const name = `kube-status-${namespace}`;
    await client.apply(edgeDevices, { metadata: { name }, spec: {} }, { signal, fieldManager: 'one' });
    const now = new Date().toISOString();
    const conditions = setCondition([], { type: 'PowerMeasured', status: 'True', reason: 'Measured', message: 'yes' }, now);
    const write = () =>
      client.applyStatus(
        edgeDevices,
        { metadata: { name }, spec: { unschedulable: true }, status: { agentVersion: '1', conditions } },
        { signal, fieldManager: 'agent' },
      );
    const written = await write();
    expect(written.spec.unschedulable).toBeUndefined();
    expect(written.status).toMatchObject({ agentVersion: '1', conditions });
    expect((await write()).metadata.resourceVersion).toBe(written.metadata.resourceVersion);
    await client.delete(edgeDevices, { name }, { signal });
  });

  test('a status that names a version is not told to another object of the same name, whatever its uid', async () => {
    const key = { name: 'status-of-another' };
    const made = async () =>
      client.create(
        edgeDevices,
        { apiVersion: 'jouleops.dev/v1alpha1', kind: 'EdgeDevice', metadata: key, spec: {} },
        { signal },
      );
    const first = await made();
    await client.delete(edgeDevices, key, { signal });
    const second = await made();
    const { uid, resourceVersion } = first.metadata;
    const stale = { metadata: { ...key, uid }, status: { agentVersion: '1.0.0' } };
    const options = { signal, fieldManager: 'test' };
    await expect(client.applyStatus(edgeDevices, stale, { ...options, resourceVersion })).rejects.toSatisfy(isConflict);
    // The reason for it: the uid alone is not looked at.
    expect((await client.applyStatus(edgeDevices, stale, options)).metadata.uid).toBe(second.metadata.uid);
    await client.delete(edgeDevices, key, { signal });
  });

  test('refusals come as typed errors', async () => {
    const { server, certificateAuthority = '' } = api.admin;
    const stranger = createClient({ server, certificateAuthority, token: async () => 'nobody' });
    await expect(stranger.list(configMaps, { signal })).rejects.toSatisfy(isUnauthorized);
    const visitor = createClient({ server, certificateAuthority });
    // A cluster may know anonymous users (403) or refuse them before asking what they may (401).
    await expect(visitor.list(configMaps, { signal })).rejects.toSatisfy((error) => isForbidden(error) || isUnauthorized(error));
    await expect(client.create(configMaps, configMap('NOT VALID'), { signal })).rejects.toSatisfy(isInvalid);
    await Promise.all([stranger.close(), visitor.close()]);
  });

  test('lists in pages and stamps the kind', async () => {
    for (let i = 0; i < 7; i++) {
      const object = { ...configMap(`page-${i}`), metadata: { namespace, name: `page-${i}`, labels: { paged: 'yes' } } };
      await client.create(configMaps, object, { signal });
    }
    const all = await listAll(client, configMaps, { signal, namespace, labelSelector: 'paged=yes', limit: 3 });
    expect(all.items.map((item) => `${item.kind} ${item.metadata.name}`)).toEqual(
      Array.from({ length: 7 }, (_, i) => `ConfigMap page-${i}`),
    );
  });

  test('a watch by name sees only that object', async () => {
    const { metadata } = await client.list(configMaps, { signal, namespace });
    const stop = new AbortController();
    const watch = await client.watch(configMaps, {
      signal: stop.signal,
      namespace,
      name: 'mine',
      resourceVersion: metadata.resourceVersion,
      timeoutSeconds: 60,
    });
    await client.create(configMaps, configMap('other'), { signal });
    const mine = await client.create(configMaps, configMap('mine'), { signal });
    await client.delete(configMaps, { namespace, name: 'mine' }, { signal });
    const seen: string[] = [];
    for await (const event of watch) {
      if (event.type === 'ERROR' || event.type === 'BOOKMARK') continue;
      seen.push(`${event.type} ${event.object.metadata.name} ${event.object.metadata.uid === mine.metadata.uid}`);
      if (event.type === 'DELETED') break;
    }
    expect(seen).toEqual(['ADDED mine true', 'DELETED mine true']);
    stop.abort();
  });

  test('a watch from a version long gone is expired', async () => {
    for (let i = 0; i < 25; i++) {
      await client.apply(configMaps, configMap('history', { i: `${i}` }), { signal, fieldManager: 'one' });
    }
    const watch = client.watch(edgeDevices, { signal, resourceVersion: '1', timeoutSeconds: 5 });
    const first = async () => {
      for await (const event of await watch) return event;
      return undefined;
    };
    const outcome = await first().catch((error: unknown) => error);
    if (isExpired(outcome)) return;
    expect(outcome).toMatchObject({ type: 'ERROR', object: { code: 410 } });
  });

  test('leases take micro times', async () => {
    const now = microTime(Date.now());
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace, name: 'beat' } };
    const created = await client.create(leases, { ...lease, spec: { holderIdentity: 'me', renewTime: now } }, { signal });
    expect(created.spec?.renewTime).toBe(now);
  });

  test('events are recorded once and then counted', async () => {
    const regarding = await client.create(configMaps, configMap('regarded'), { signal });
    const recorder = createEventRecorder(
      { client, clock: systemClock, logger: silentLogger },
      { controller: 'jouleops.dev/test', instance: 'test-0' },
    );
    const event = { regarding, type: 'Normal', reason: 'Tested', action: 'Test', note: 'as it should be' } as const;
    for (let i = 0; i < 3; i++) recorder.publish(event);
    await recorder.close();
    const { items } = await client.list(events, { signal, namespace });
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({ reason: 'Tested', regarding: { name: 'regarded' }, series: { count: 3 } });
  });
}
