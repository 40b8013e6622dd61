import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHttpsOrigin } from '../../../controller/artifacts/https-origin.ts';
import { ArtifactStore } from '../../../controller/artifacts/store.ts';
import { createTestAuthority } from '../../support/control-plane/certificates.ts';

const signal = AbortSignal.timeout(60_000);

describe('https:// sources', () => {
  let server: Server;
  let port: number;
  let certificateAuthority: string;
  let origin: ReturnType<typeof createHttpsOrigin>;
  let seen: { path: string; host: string | undefined; authorization: string | undefined }[];

  beforeAll(async () => {
    const authority = await createTestAuthority('jouleops-https-test');
    certificateAuthority = authority.certificatePem;
    const { certificatePem, keyPem } = await authority.issueServer(['localhost', '127.0.0.1']);
    server = createServer({ cert: certificatePem, key: keyPem }, (request, response) => {
      const at = request.url ?? '';
      seen.push({ path: at, host: request.headers.host, authorization: request.headers.authorization });
      const redirects: Record<string, string> = {
        '/once': '/model',
        '/elsewhere': 'https://example.org/model',
        '/plain': 'http://localhost/model',
        '/other-name': `https://127.0.0.1:${port}/model`,
        '/loop': '/loop',
      };
      const location = redirects[at];
      if (location !== undefined) return void response.writeHead(302, { location }).end();
      if (at === '/model') return void response.writeHead(200, { 'content-length': 16 }).end('bytes of a model');
      // Without a length: only reading it shows how long it is.
      if (at === '/undeclared')
        return void response.writeHead(200).write('x'.repeat(100_000), () => response.end('y'.repeat(1_000_000)));
      response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
    origin = createHttpsOrigin({ allowedHosts: ['localhost', '127.0.0.1'], allowPrivateAddresses: true, certificateAuthority });
  });
  beforeEach(() => {
    seen = [];
  });
  afterAll(async () => {
    await origin.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const read = async (at: string, options: { authorization?: string; maximumBytes?: number } = {}) => {
    const body = await origin.open({ uri: `https://localhost:${port}${at}`, maximumBytes: 100, signal, ...options });
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString('utf8');
  };

  it('are read from an allowed host, also behind a redirect', async () => {
    expect(await read('/model')).toBe('bytes of a model');
    expect(await read('/once')).toBe('bytes of a model');
  });

  it.each([
    ['a redirect to a host that is not allowed', '/elsewhere', 'SourceNotAllowed', 'example.org is not on the controller'],
    ['a redirect to http', '/plain', 'SourceNotAllowed', 'only https is fetched'],
    ['redirects without end', '/loop', 'SourceUnavailable', 'redirects more than 5 times'],
    ['an answer that is no success', '/nothing', 'SourceUnavailable', 'answered 404'],
  ])('refuse %s', async (_, at, reason, message) => {
    await expect(read(at)).rejects.toMatchObject({ reason, message: expect.stringContaining(message) as string });
  });

  it('refuse a file that says it is too large before it is read', async () => {
    await expect(read('/model', { maximumBytes: 5 })).rejects.toMatchObject({ reason: 'TooLarge' });
  });

  it('stop in the middle of a file that turns out to be too large, and keep nothing of it', async () => {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-https-'));
    const store = await ArtifactStore.open({ directory, quotaBytes: 1e9, referenced: () => new Set() });
    const digest = `sha256:${'0'.repeat(64)}`;
    const request = { uri: `https://localhost:${port}/undeclared`, maximumBytes: 1000, signal };
    await expect(store.put(digest, { maximumBytes: 1000 }, () => origin.open(request))).rejects.toMatchObject({
      reason: 'TooLarge',
    });
    expect(store.usedBytes).toBe(0);
    await rm(directory, { recursive: true, force: true });
  });

  it('give credentials to the host that the object names, and to no other', async () => {
    await read('/other-name', { authorization: 'Bearer secret' });
    expect(seen).toEqual([
      { path: '/other-name', host: `localhost:${port}`, authorization: 'Bearer secret' },
      { path: '/model', host: `127.0.0.1:${port}`, authorization: undefined },
    ]);
  });

  it('are not read from a private address unless that is allowed', async () => {
    const strict = createHttpsOrigin({ allowedHosts: ['localhost'], allowPrivateAddresses: false, certificateAuthority });
    await expect(strict.open({ uri: `https://localhost:${port}/model`, maximumBytes: 100, signal })).rejects.toMatchObject({
      reason: 'SourceNotAllowed',
      message: expect.stringContaining('private address') as string,
    });
    await strict.close();
    expect(seen).toEqual([]);
  });

  it('are not read from a server that nobody vouches for', async () => {
    const strangers = createHttpsOrigin({ allowedHosts: ['localhost'], allowPrivateAddresses: true });
    await expect(strangers.open({ uri: `https://localhost:${port}/model`, maximumBytes: 100, signal })).rejects.toMatchObject({
      reason: 'SourceUnavailable',
    });
    await strangers.close();
  });
});
