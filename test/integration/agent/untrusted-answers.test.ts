// An API server that says nothing of what a device should run, or something that cannot be so, takes no model away.
import { cpSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { edgeDevices } from '../../../crds/resources.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import { type Clock, systemClock } from '../../../kube/runtime/clock.ts';
import { type StandaloneServer, startServer } from '../../../standalone/server.ts';
import { createTestAuthority } from '../../support/control-plane/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { silentLogger } from '../../support/silent-logger.ts';
import { TcpSwitch } from '../../support/tcp-switch.ts';
import { classify, createWorld, type RunningAgent, type World } from './world.ts';

const signal = AbortSignal.timeout(600_000);
const name = 'device-a';

/** Answers to a list of devices, a watch of them, and everything else. */
interface Script {
  list: [status: number, body: unknown];
  watch: [status: number, body: unknown];
  other: [status: number, body: unknown];
}

const status = (code: number, reason: string) => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  code,
  reason,
  message: reason,
});
const expired = { type: 'ERROR', object: status(410, 'Expired') };
const all = (...answer: [number, unknown]): Script => ({ list: answer, watch: answer, other: answer });
const listing = (items: unknown[]): Script => ({
  list: [200, { kind: 'EdgeDeviceList', apiVersion: 'jouleops.dev/v1alpha1', metadata: { resourceVersion: '999999' }, items }],
  watch: [200, expired],
  other: [404, status(404, 'NotFound')],
});

/** Waits before another try are short; the long ones, such as the deadline of a watch, are as long as ever. */
const impatientClock: Clock = {
  ...systemClock,
  sleep: (milliseconds, aborted) =>
    systemClock.sleep(milliseconds > 60_000 ? milliseconds : Math.min(milliseconds, 200), aborted),
};

function kindOf(request: IncomingMessage): keyof Script {
  const url = new URL(request.url ?? '/', 'https://127.0.0.1');
  if (request.method !== 'GET' || !url.pathname.endsWith('/edgedevices')) return 'other';
  return url.searchParams.has('watch') ? 'watch' : 'list';
}

describe('an agent that is told strange things', () => {
  let world: World;
  let agent: RunningAgent;
  let line: TcpSwitch;
  let strange: Server;
  let realPort: number;
  let script: Script;
  let lists = 0;
  /** After the first list. */
  let watches = 0;
  const failures: unknown[] = [];
  const watching = new AbortController();
  let watched: Promise<void>;

  beforeAll(async () => {
    const authority = await createTestAuthority('strange');
    const { certificatePem, keyPem } = await authority.issueServer(['127.0.0.1']);
    strange = createServer({ cert: certificatePem, key: keyPem }, (request, response) => {
      const kind = kindOf(request);
      if (kind === 'list') lists++;
      if (kind === 'watch' && lists > 0) watches++;
      const [code, body] = script[kind];
      const text = typeof body === 'string' ? body : `${JSON.stringify(body)}\n`;
      response.writeHead(code, { 'content-type': typeof body === 'string' ? 'text/plain' : 'application/json' }).end(text);
    });
    await new Promise<void>((resolve) => strange.listen(0, '127.0.0.1', resolve));
    world = await createWorld(async ({ url, certificateAuthority }) => {
      realPort = Number(new URL(url).port);
      line = await TcpSwitch.start(realPort);
      return {
        url: `https://127.0.0.1:${line.port}`,
        certificateAuthority: `${certificateAuthority}\n${authority.certificatePem}`,
      };
    });
    agent = await world.startAgent({ name }, impatientClock);
    await eventually(() => world.device(name));
    // The backup of a moment when the controller had spoken, and nothing was assigned.
    await world.unassign(name);
    // In one go, while the server in this same process cannot write.
    const { embedded } = world.apiServer;
    if (embedded === undefined) throw new Error('restoring a backup is told for the embedded server');
    cpSync(embedded.dataDirectory, path.join(world.directory, 'backup'), { recursive: true });
    await world.assign(name, 'states', { active: await world.slot('classifier.onnx', 'r1') });
    await eventually(async () => expect((await classify(agent.url, 'states')).status).toBe(200));
    watched = (async () => {
      while (!watching.signal.aborted) {
        const answer = await classify(agent.url, 'states').catch((error: unknown) => ({ status: 0, error }));
        if (answer.status !== 200) failures.push(answer);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
  });
  afterAll(async () => {
    watching.abort();
    await watched;
    await world[Symbol.asyncDispose]();
    await line.close();
    strange.closeAllConnections();
    strange.close();
  });

  const desired = async () =>
    (
      JSON.parse(await readFile(path.join(agent.options.dataDirectory, 'desired.json'), 'utf8')) as {
        instances: { name: string }[];
      }
    ).instances;
  /** The agent follows its own object again: it takes note of a hold. */
  const hearsOfReality = async () => {
    const file = path.join(agent.options.dataDirectory, 'desired.json');
    const { spec } = await world.device(name);
    const hold = spec.hold !== true;
    await world.client.patch(edgeDevices, { name }, { kind: 'merge', body: { spec: { hold } } }, { signal });
    await eventually(async () => expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ device: { hold } }), 45);
  };
  const device = (uid: string, more: object) => ({
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'EdgeDevice',
    metadata: { name, uid, resourceVersion: '999999', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {},
    ...more,
  });
  const empty = { status: { conditions: [{ type: 'Ready', status: 'True', reason: 'AgentReady', message: '' }] } };

  it.each<[string, () => Promise<Script>]>([
    ['everything is forbidden', async () => all(403, status(403, 'Forbidden'))],
    ['nobody knows its certificate', async () => all(401, status(401, 'Unauthorized'))],
    ['there is nothing of that name', async () => all(404, status(404, 'NotFound'))],
    ['the definitions are gone', async () => all(404, '404 page not found\n')],
    ['the list of devices is empty', async () => listing([])],
    [
      'the list has no items at all',
      async () => ({ ...listing([]), list: [200, { metadata: { resourceVersion: '999999' }, items: null }] }),
    ],
    ['its object has no status', async () => listing([device((await world.device(name)).metadata.uid, {})])],
    ['its object is another of the same name', async () => listing([device('another', empty)])],
    ['the answers are not JSON', async () => all(200, '<html>a captive portal</html>')],
    ['the server is failing', async () => all(500, status(500, 'InternalError'))],
  ])('keeps serving when %s', async (_, answers) => {
    script = await answers();
    lists = 0;
    watches = 0;
    line.plugInto((strange.address() as AddressInfo).port);
    await eventually(() => expect(lists).toBeGreaterThan(0), 30);
    // What a list means is decided at once; then the agent watches.
    if (script.watch[1] === expired) await eventually(() => expect(watches).toBeGreaterThan(0), 30);
    expect(await desired()).toMatchObject([{ name: 'states' }]);
    line.plugInto(realPort);
    await hearsOfReality();
    expect(await desired()).toMatchObject([{ name: 'states' }]);
    expect(failures).toEqual([]);
  });

  it('keeps serving when the API server was restored from a backup that knows nothing of the model', async () => {
    const restored: StandaloneServer = await startServer({
      dataDirectory: path.join(world.directory, 'backup'),
      logger: silentLogger,
    });
    const client = createClient(restored.admin);
    expect((await client.get(edgeDevices, { name }, { signal })).status?.assigned ?? []).toEqual([]);
    line.plugInto(restored.port);
    await eventually(async () => expect(await desired()).toMatchObject([{ name: 'states', held: true }]), 30);
    // Versions grow on, past what the device saw before, and the list is as empty as ever.
    for (let round = 0; round < 40; round++)
      await client.patch(
        edgeDevices,
        { name },
        { kind: 'merge', body: { metadata: { annotations: { round: `${round}` } } } },
        { signal },
      );
    await eventually(async () =>
      expect((await client.get(edgeDevices, { name }, { signal })).metadata.annotations?.['round']).toBe('39'),
    );
    expect(await desired()).toMatchObject([{ name: 'states', held: true }]);
    expect(failures).toEqual([]);
    // Who has watched another history up to a version that this one has not reached misses what happens here until then.
    const { resourceVersion: passed } = (await client.get(edgeDevices, { name }, { signal })).metadata;
    for (let round = 0, reached = 0; reached <= Number(passed) + 10; round++) {
      const body = { metadata: { annotations: { round: `${round}` } } };
      const patched = await world.client.patch(edgeDevices, { name }, { kind: 'merge', body }, { signal });
      reached = Number(patched.metadata.resourceVersion);
    }
    line.plugInto(realPort);
    await hearsOfReality();
    await client.close();
    await restored.close();
  });

  it('lets the list decide again once it names the model, and stops it when the list no longer does', async () => {
    await eventually(async () => expect(Object.hasOwn((await desired())[0] ?? {}, 'held')).toBe(false), 30);
    expect(failures).toEqual([]);
    watching.abort();
    await watched;
    await world.unassign(name);
    await eventually(async () => expect(await desired()).toEqual([]), 30);
    expect((await classify(agent.url, 'states')).status).toBe(404);
  });
});
