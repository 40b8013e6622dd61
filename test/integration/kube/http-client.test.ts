import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiError, ConnectionError, isNotFound, isThrottled, isUnauthorized } from '../../../kube/api/api-error.ts';
import { configMaps } from '../../../kube/api/builtins.ts';
import type { Client } from '../../../kube/api/client.ts';
import type { Connection } from '../../../kube/api/connection.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import { createTestAuthority } from '../../support/control-plane/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { configMap, failure, json, reset, ScriptedServer } from '../../support/scripted-server.ts';

const signal = AbortSignal.timeout(30_000);
let server: ScriptedServer;
let clock: FakeClock;
const clients: Client[] = [];

beforeEach(async () => {
  server = await ScriptedServer.start();
  clock = new FakeClock();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await server.close();
});

function connect(connection: Partial<Connection> = {}, options: Parameters<typeof createClient>[1] = {}): Client {
  const client = createClient({ server: server.url, ...connection }, { clock, ...options });
  clients.push(client);
  return client;
}

/** Lets the fake time pass until the call ends. */
async function settle<T>(call: Promise<T>): Promise<T> {
  let ended = false;
  const watched = call.finally(() => {
    ended = true;
  });
  watched.catch(() => undefined);
  await eventually(
    async () => {
      await clock.advance(500);
      expect(ended).toBe(true);
    },
    20,
    2,
  );
  return watched;
}

const key = { namespace: 'a', name: 'one' };
const get = (client: Client) => client.get(configMaps, key, { signal });
const create = (client: Client) => client.create(configMaps, configMap('one', '1'), { signal });

test('says what each write is: content type, manager, force, dry run', async () => {
  const client = connect();
  server.others.push(...Array.from({ length: 4 }, () => json(200, configMap('one', '2'))));
  await client.apply(configMaps, { metadata: { namespace: 'a', name: 'one' }, data: { x: '1' } }, { signal, fieldManager: 'me' });
  await client.applyStatus(
    configMaps,
    { metadata: { namespace: 'a', name: 'one', labels: { dropped: 'yes' } }, data: { dropped: 'yes' } },
    { signal, fieldManager: 'me', force: false, dryRun: true },
  );
  await client.patch(configMaps, key, { kind: 'merge', body: { data: null } }, { signal });
  await client.patch(configMaps, key, { kind: 'json', body: [] }, { signal, subresource: 'approval' });
  const said = server.requests.map((request) => [
    `${request.method} ${request.path}?${request.query.toString()}`,
    request.headers['content-type'],
    request.body,
  ]);
  const identity = '"metadata":{"namespace":"a","name":"one"}';
  const url = '/api/v1/namespaces/a/configmaps/one';
  expect(said).toEqual([
    [
      `PATCH ${url}?fieldManager=me&force=true`,
      'application/apply-patch+yaml',
      `{${identity},"data":{"x":"1"},"apiVersion":"v1","kind":"ConfigMap"}`,
    ],
    [
      `PATCH ${url}/status?fieldManager=me&force=false&dryRun=All`,
      'application/apply-patch+yaml',
      '{"metadata":{"name":"one","namespace":"a"},"apiVersion":"v1","kind":"ConfigMap"}',
    ],
    [`PATCH ${url}?`, 'application/merge-patch+json', '{"data":null}'],
    [`PATCH ${url}/approval?`, 'application/json-patch+json', '[]'],
  ]);
});

test('a path prefix of the server is kept', async () => {
  server.others.push(json(200, configMap('one', '1')));
  await get(connect({ server: `${server.url}/k8s/clusters/c1/` }));
  expect(server.requests[0]?.path).toBe('/k8s/clusters/c1/api/v1/namespaces/a/configmaps/one');
});

describe('errors', () => {
  test('a Status becomes a typed error that names the call', async () => {
    server.others.push(failure(404, 'NotFound'));
    const error = await get(connect()).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      status: 404,
      reason: 'NotFound',
      message: 'GET /api/v1/namespaces/a/configmaps/one: 404 NotFound: scripted NotFound',
    });
    expect(isNotFound(error)).toBe(true);
  });

  test("a proxy's page is shown by its beginning", async () => {
    server.others.push((response) => response.writeHead(403).end('<html>Access denied</html>'));
    await expect(get(connect())).rejects.toThrow('403: <html>Access denied</html>');
  });

  test('no server names the address and the cause', async () => {
    const client = connect({ server: 'http://127.0.0.1:1' });
    const error = await settle(get(client)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ code: 'ECONNREFUSED', message: expect.stringContaining('no answer from http://127.0.0.1:1') });
  });

  test('an address that is no URL is refused at once', () => {
    expect(() => createClient({ server: '10.0.0.1:6443' })).toThrow('write it like https://127.0.0.1:6443');
  });

  test("an abort is the caller's own reason, not an API error", async () => {
    server.others.push(() => undefined);
    const stop = new AbortController();
    const call = connect().get(configMaps, key, { signal: stop.signal });
    const reason = new Error('enough');
    stop.abort(reason);
    await expect(call).rejects.toBe(reason);
  });
});

describe('retries', () => {
  test('a read survives 500, a reset and 503', async () => {
    server.others.push(
      failure(500, 'InternalError'),
      reset(),
      failure(503, 'ServiceUnavailable'),
      json(200, configMap('one', '7')),
    );
    expect((await settle(get(connect()))).metadata.resourceVersion).toBe('7');
    expect(server.requests).toHaveLength(4);
  });

  test('429 with Retry-After is waited for, even by a create', async () => {
    server.others.push(failure(429, 'TooManyRequests', { 'retry-after': '7' }), json(201, configMap('one', '7')));
    const created = create(connect());
    await eventually(() => expect(server.requests).toHaveLength(1));
    await eventually(() => expect(clock.sleeping).toBe(1));
    await clock.advance(6900);
    expect(server.requests).toHaveLength(1);
    await settle(created);
    expect(server.requests).toHaveLength(2);
  });

  test('a Retry-After beyond half a minute goes to the caller', async () => {
    server.others.push(failure(429, 'TooManyRequests', { 'retry-after': '120' }));
    const error = await get(connect()).catch((thrown: unknown) => thrown);
    expect(isThrottled(error)).toBe(true);
    expect(error).toMatchObject({ retryAfterSeconds: 120 });
  });

  test('an apply that the server fails for good costs its caller half a second, not three', async () => {
    server.others.push(failure(500, 'InternalError'), failure(500, 'InternalError'));
    const applied = connect().apply(configMaps, configMap('one', '1'), { fieldManager: 'test', signal });
    await expect(settle(applied)).rejects.toMatchObject({ status: 500 });
    expect(server.requests).toHaveLength(2);
  });

  test('a create is not sent twice after a 500 or a reset: it may have happened', async () => {
    const client = connect();
    server.others.push(failure(500, 'InternalError'));
    await expect(create(client)).rejects.toMatchObject({ status: 500 });
    server.others.push(reset());
    await expect(create(client)).rejects.toBeInstanceOf(ConnectionError);
    expect(server.requests).toHaveLength(2);
  });

  test('every attempt is reported with its status', async () => {
    const statuses: number[] = [];
    server.others.push(failure(500, 'InternalError'), reset(), json(200, configMap('one', '1')));
    await settle(get(connect({}, { onCall: ({ status }) => statuses.push(status) })));
    expect(statuses).toEqual([500, 0, 200]);
  });
});

describe('credentials', () => {
  test('after a 401 the token is read again and the call repeated once', async () => {
    const tokens = ['old', 'new'];
    server.others.push(failure(401, 'Unauthorized'), json(200, configMap('one', '1')));
    await settle(get(connect({ token: async () => tokens.shift() ?? 'none' })));
    expect(server.requests.map((request) => request.headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
  });

  test('a second 401 is final', async () => {
    server.others.push(failure(401, 'Unauthorized'), failure(401, 'Unauthorized'));
    const error = await settle(get(connect({ token: async () => 'bad' }))).catch((thrown: unknown) => thrown);
    expect(isUnauthorized(error)).toBe(true);
    expect(server.requests).toHaveLength(2);
  });

  test('a certificate authority that was rotated is read again and trusted', async () => {
    const [before, after] = [await createTestAuthority('before'), await createTestAuthority('after')];
    const serving = await after.issueServer(['127.0.0.1']);
    const secure = createTlsServer({ cert: serving.certificatePem, key: serving.keyPem }, (_, response) => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(configMap('one', '3')));
    });
    await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
    const address = `https://127.0.0.1:${(secure.address() as AddressInfo).port}`;
    try {
      const rotated: Connection = { server: address, certificateAuthority: after.certificatePem };
      const stale: Connection = { server: address, certificateAuthority: before.certificatePem, refresh: async () => rotated };
      expect((await settle(get(connect(stale)))).metadata.resourceVersion).toBe('3');
      const lost = connect({ ...stale, refresh: async () => ({ ...rotated, certificateAuthority: before.certificatePem }) });
      await expect(settle(get(lost))).rejects.toThrow('check the certificate authority');
    } finally {
      secure.closeAllConnections();
      await new Promise((resolve) => secure.close(resolve));
    }
  });
});

test('heartbeats share one connection', async () => {
  const ports = new Set<number>();
  const client = connect();
  for (let beat = 0; beat < 5; beat++) {
    server.others.push((response, request) => {
      ports.add(response.socket?.remotePort ?? 0);
      json(200, configMap('one', '1'))(response, request);
    });
    await get(client);
    await clock.advance(60_000);
  }
  expect(ports.size).toBe(1);
});

test('closes a connection that nothing is asked on for longer than it was told', async () => {
  const client = connect({}, { idleSeconds: 1 });
  server.others.push(json(200, configMap('one', '1')));
  await get(client);
  await eventually(async () => expect(await server.connections()).toBe(0));
});
