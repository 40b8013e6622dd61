import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConfigMap, configMaps } from '../../../kube/api/builtins.ts';
import type { WatchEvent } from '../../../kube/api/client.ts';
import { callApi } from '../../support/api-call.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestServer, type TestServer } from '../../support/standalone.ts';

const signal = AbortSignal.timeout(60_000);
const path = '/api/v1/namespaces/default/configmaps';

describe('watching', () => {
  let test: TestServer;
  beforeAll(async () => {
    test = await startTestServer({ keptRevisions: 50 });
  });
  afterAll(() => test.close());

  const put = (name: string, data: Record<string, string>, labels: Record<string, string> = {}) =>
    test.client.apply(configMaps, { metadata: { name, namespace: 'default', labels }, data }, { fieldManager: 'test', signal });
  const remove = (name: string) => test.client.delete(configMaps, { namespace: 'default', name }, { signal });
  const lines = async (query: string) => {
    const answer = await callApi(test.server.admin, 'GET', `${path}?watch=1&timeoutSeconds=1&${query}`);
    return answer.text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { type: string; object: ConfigMap });
  };
  const summary = (events: { type: string; object: ConfigMap }[]) =>
    events.map(({ type, object }) => `${type} ${object.metadata.name}`);

  it('tells what follows a version, in order, once', async () => {
    const { metadata } = await put('from-version', { a: '0' });
    await put('from-version', { a: '1' });
    await put('other', {});
    await remove('from-version');
    const events = await lines(`resourceVersion=${metadata.resourceVersion}`);
    expect(summary(events)).toEqual(['MODIFIED from-version', 'ADDED other', 'DELETED from-version']);
    expect(Number(events[2]?.object.metadata.resourceVersion)).toBeGreaterThan(
      Number(events[1]?.object.metadata.resourceVersion),
    );
    await remove('other');
  });

  it('begins with the state when no version, or 0, is given', async () => {
    await put('state', {});
    expect(summary(await lines('resourceVersion=0'))).toEqual(['ADDED state']);
    expect(summary(await lines(''))).toEqual(['ADDED state']);
    await remove('state');
  });

  it('streams live changes to a client, and ends after its time', async () => {
    const { metadata } = await test.client.list(configMaps, { namespace: 'default', signal });
    const received: WatchEvent<ConfigMap>[] = [];
    const options = { namespace: 'default', resourceVersion: metadata.resourceVersion, timeoutSeconds: 2, signal };
    const stream = await test.client.watch(configMaps, options);
    const reading = (async () => {
      for await (const event of stream) received.push(event);
    })();
    await put('live', { a: '1' });
    await eventually(() => expect(received.some(({ type }) => type === 'ADDED')).toBe(true));
    await remove('live');
    await reading;
    expect(received.map(({ type }) => type)).toEqual(['ADDED', 'DELETED', 'BOOKMARK']);
  });

  it('turns a change of labels into ADDED and DELETED for a selector', async () => {
    const { metadata } = await put('labelled', {}, { tier: 'a' });
    const since = `resourceVersion=${metadata.resourceVersion}`;
    await put('labelled', {}, { tier: 'b' });
    await put('labelled', { x: 'y' }, { tier: 'b' });
    await remove('labelled');
    const ofB = await lines(`${since}&labelSelector=tier%3Db`);
    expect(summary(ofB)).toEqual(['ADDED labelled', 'MODIFIED labelled', 'DELETED labelled']);
    expect(summary(await lines(`${since}&labelSelector=tier%3Da`))).toEqual(['DELETED labelled']);
  });

  it('tells a watch by name of that object alone', async () => {
    const { metadata } = await put('named', {});
    await put('not-named', {});
    await put('named', { a: 'b' });
    const events = await lines(`resourceVersion=${metadata.resourceVersion}&fieldSelector=metadata.name%3Dnamed`);
    expect(summary(events)).toEqual(['MODIFIED named']);
    await remove('named');
    await remove('not-named');
  });

  it('marks the end of the initial events for clients that list by watching', async () => {
    await put('initial', {});
    const query = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const [added, end] = await lines(query);
    expect(added?.object.metadata.name).toBe('initial');
    expect(end).toMatchObject({
      type: 'BOOKMARK',
      object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
    await remove('initial');
  });

  it('sends Tables to kubectl, with columns in the first event only', async () => {
    await put('table', {});
    await put('table-2', {});
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
    const answer = await callApi(test.server.admin, 'GET', `${path}?watch=1&timeoutSeconds=1`, { headers: { accept } });
    const events = answer.text
      .trim()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as { object: { kind: string; columnDefinitions: unknown[] | null; rows: { cells: unknown[] }[] } },
      );
    expect(events.map(({ object }) => [object.kind, object.rows[0]?.cells[0], object.columnDefinitions?.length])).toEqual([
      ['Table', 'table', 2],
      ['Table', 'table-2', undefined],
    ]);
    await remove('table');
    await remove('table-2');
  });

  it('answers 410 for a version that is no longer kept, and for a page of it', async () => {
    await put('page-1', {});
    await put('page-2', {});
    const page = await test.client.list(configMaps, { namespace: 'default', limit: 1, signal });
    const { resourceVersion } = page.metadata;
    for (let count = 0; count < 70; count += 1) await put('page-1', { count: String(count) });
    const [event] = await lines(`resourceVersion=${resourceVersion}`);
    expect(event).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
    const next = test.client.list(configMaps, { namespace: 'default', limit: 1, continue: page.metadata.continue ?? '', signal });
    await expect(next).rejects.toMatchObject({ status: 410, reason: 'Expired' });
    await remove('page-1');
    await remove('page-2');
  });

  it('answers 410 for a page of a moment that a restored backup has not reached, and 400 for a token that is none', async () => {
    const page = async (token: object) => {
      const text = Buffer.from(JSON.stringify({ v: 'jouleops/v1', ...token })).toString('base64url');
      return (await callApi(test.server.admin, 'GET', `${path}?limit=1&continue=${text}`)).status;
    };
    expect(await page({ revision: 1e9, namespace: 'default', name: 'a' })).toBe(410);
    expect(await page({ revision: 1e9, name: 'a' })).toBe(400);
    const { metadata } = await test.client.list(configMaps, { namespace: 'default', limit: 1, signal });
    expect(await page({ revision: Number(metadata.resourceVersion), namespace: 'default', name: {} })).toBe(400);
  });

  it('reads all pages of one moment, whatever is written between them', async () => {
    for (const name of ['p1', 'p2', 'p3']) await put(name, {});
    const first = await test.client.list(configMaps, { namespace: 'default', limit: 2, signal });
    await remove('p3');
    await put('p4', {});
    const options = { namespace: 'default', limit: 2, continue: first.metadata.continue ?? '', signal };
    const second = await test.client.list(configMaps, options);
    expect([...first.items, ...second.items].map(({ metadata }) => metadata.name)).toEqual(['p1', 'p2', 'p3']);
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    expect(first.metadata.remainingItemCount).toBe(1);
    for (const name of ['p1', 'p2', 'p4']) await remove(name);
  });

  describe('of more than a client may leave unread', () => {
    let own: TestServer;
    const large = 'x'.repeat(900_000);
    const count = 24;
    const place = '/api/v1/namespaces/default/configmaps?watch=1';
    const write = async (names: readonly string[]) => {
      for (const name of names) {
        const object = { metadata: { namespace: 'default', name }, data: { large } };
        await own.client.apply(configMaps, object, { fieldManager: 'test', signal });
      }
    };
    const named = (prefix: string) => Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(2, '0')}`);
    beforeAll(async () => {
      own = await startTestServer();
      await write(named('there'));
    });
    afterAll(() => own.close());

    it.each(['', '&resourceVersion=1'])('tells the whole beginning to a client that reads it (%s)', async (from) => {
      const { text } = await callApi(own.server.admin, 'GET', `${place}&timeoutSeconds=1${from}`);
      const found = text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { object: ConfigMap }).object.metadata.name);
      expect(found).toEqual(named('there'));
    });

    it('cuts off a client that reads nothing of what happens', async () => {
      const { metadata } = await own.client.list(configMaps, { namespace: 'default', limit: 1, signal });
      const { certificateAuthority: ca, clientCertificate: cert, clientKey: key } = own.server.admin;
      const url = new URL(`${place}&resourceVersion=${metadata.resourceVersion}`, own.server.url);
      const call = request(url, { ca, cert, key, agent: false }).end();
      const [response] = (await once(call, 'response')) as [IncomingMessage];
      const ended = new Promise((resolve) => response.once('close', resolve));
      response.on('error', () => undefined);
      const run = randomUUID();
      await write([...named(`later-${run}`), ...named(`still-later-${run}`)]);
      response.resume();
      await ended;
      expect(response.complete).toBe(false);
    });
  });

  it('ends all watches when the server stops', async () => {
    const own = await startTestServer();
    const stream = await own.client.watch(configMaps, { resourceVersion: '1', timeoutSeconds: 300, signal });
    const reading = (async () => {
      for await (const event of stream) expect(event.type).toBe('ADDED');
    })();
    await own.server.close();
    await reading;
    await own.close();
  });
});
