import { request } from 'node:https';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { configMaps } from '../../../kube/api/builtins.ts';
import { eventually } from '../../support/eventually.ts';
import { takeInventory } from '../../support/inventory.ts';
import { startTestServer, type TestServer } from '../../support/standalone.ts';

const signal = AbortSignal.timeout(60_000);
let test: TestServer;
beforeEach(async () => {
  test = await startTestServer();
});
afterEach(() => test.close());

/** A client that asks, hears the beginning of the answer, or not even that, and is gone without a word. */
function vanish(path: string, when: 'before the answer' | 'within it'): Promise<void> {
  const { certificateAuthority: ca, clientCertificate: cert, clientKey: key } = test.server.admin;
  return new Promise((resolve, reject) => {
    const call = request(new URL(path, test.server.url), { ca, cert, key, agent: false });
    const leave = () => {
      call.destroy();
      resolve();
    };
    call.on('error', (error) => (call.destroyed ? resolve() : reject(error)));
    if (when === 'within it') call.on('response', (response) => response.once('data', leave));
    call.on('socket', (socket) => {
      if (when === 'before the answer') socket.once('secureConnect', () => setImmediate(leave));
    });
    call.end();
  });
}

async function round(clients: number): Promise<void> {
  for (let client = 0; client < clients; client += 1) {
    await vanish('/api/v1/configmaps?watch=1', 'within it');
    await vanish('/api/v1/configmaps?watch=1&resourceVersion=1', 'before the answer');
    await vanish('/api/v1/configmaps', 'within it');
    const metadata = { namespace: 'default', name: 'changing' };
    await test.client.apply(configMaps, { metadata, data: { client: `${client}` } }, { signal, fieldManager: 'test' });
  }
}

it('sixty clients that vanish leave no socket, no timer, no watch and no memory behind', { timeout: 60_000 }, async () => {
  await round(5); // whatever is made once is there now
  const before = await takeInventory();
  await round(20);
  await eventually(async () => {
    const after = await takeInventory();
    expect(after.sockets).toBeLessThanOrEqual(before.sockets);
    expect(after.timers).toBeLessThanOrEqual(before.timers + 1); // the one of this wait
    expect(after.heapMebibytes - before.heapMebibytes).toBeLessThan(3);
  }, 20);
});
