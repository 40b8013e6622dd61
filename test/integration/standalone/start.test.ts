import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, connect as openSocket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { configMaps, namespaces } from '../../../kube/api/builtins.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';
import { startServer } from '../../../standalone/server.ts';
import { StandaloneError } from '../../../standalone/standalone-error.ts';
import { callApi } from '../../support/api-call.ts';
import { silentLogger } from '../../support/silent-logger.ts';
import { startTestServer } from '../../support/standalone.ts';

const signal = AbortSignal.timeout(60_000);

describe('starting the embedded control plane', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'jouleops-start-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const refusal = async (options: Partial<Parameters<typeof startServer>[0]>) => {
    const error: unknown = await startServer({ dataDirectory: directory, logger: silentLogger, ...options }).then(
      () => undefined,
      (failure: unknown) => failure,
    );
    if (!(error instanceof StandaloneError)) throw new Error('it was not refused with a StandaloneError', { cause: error });
    return error;
  };

  it('offers the namespaces and the authority of client certificates that controllers look for', async () => {
    const test = await startTestServer({ dataDirectory: directory });
    const found = await test.client.list(namespaces, { signal });
    expect(found.items.map(({ metadata }) => metadata.name)).toEqual([
      'default',
      'jouleops-devices',
      'jouleops-system',
      'kube-system',
    ]);
    const key = { namespace: 'kube-system', name: 'extension-apiserver-authentication' };
    const { data } = await test.client.get(configMaps, key, { signal });
    expect(data?.['client-ca-file']).toBe(test.server.clientCertificateAuthority);
    await test.close();
  });

  it('writes nothing that is already so when it starts again, and keeps its identity', async () => {
    const first = await startTestServer({ dataDirectory: directory });
    const before = await first.client.list(namespaces, { signal });
    await first.close();
    const second = await startTestServer({ dataDirectory: directory });
    const after = await second.client.list(namespaces, { signal });
    expect(after.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    expect(second.server.certificateAuthority).toBe(first.server.certificateAuthority);
    expect(second.server.admin.clientCertificate).toBe(first.server.admin.clientCertificate);
    await second.close();
  });

  it('gives the administrator another certificate in time, before the five years of the first are over', async () => {
    const daysAgo = (days: number) => ({ ...systemClock, now: () => Date.now() - days * 86_400_000 });
    const first = await startServer({ dataDirectory: directory, logger: silentLogger, clock: daysAgo(1826) });
    const { clientCertificate } = first.admin;
    await first.close();
    const second = await startServer({ dataDirectory: directory, logger: silentLogger, clock: daysAgo(1826 - 1400) });
    expect(second.admin.clientCertificate).toBe(clientCertificate);
    await second.close();
    const third = await startTestServer({ dataDirectory: directory });
    expect(third.server.certificateAuthority).toBe(first.certificateAuthority);
    expect((await third.client.list(namespaces, { signal })).items).toHaveLength(4);
    await third.close();
  });

  it('lets only its owner read what it keeps', async () => {
    const test = await startTestServer({ dataDirectory: directory });
    const files = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    for (const file of files) {
      const { mode } = await stat(join(file.parentPath, file.name));
      expect((mode & 0o777).toString(8), file.name).toBe('600');
    }
    expect(files.length).toBeGreaterThan(4);
    await test.close();
  });

  it('speaks TLS 1.3 and nothing older', async () => {
    const test = await startTestServer({ dataDirectory: directory });
    const attempt = new Promise<string>((resolve) => {
      const socket = connect({
        host: '127.0.0.1',
        port: test.server.port,
        ca: test.server.certificateAuthority,
        maxVersion: 'TLSv1.2',
      });
      socket.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
      socket.on('secureConnect', () => resolve('connected'));
    });
    expect(await attempt).toMatch(/ALERT_PROTOCOL_VERSION/);
    await test.close();
  });

  it('can listen on every address, with a certificate for this machine', async () => {
    const test = await startTestServer({ dataDirectory: directory, host: '0.0.0.0' });
    expect(test.server.url).toBe(`https://127.0.0.1:${test.server.port}`);
    expect((await test.client.list(namespaces, { signal })).items).toHaveLength(4);
    const outside = Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal);
    if (outside) {
      const connection = { ...test.server.admin, server: `https://${outside.address}:${test.server.port}` };
      expect((await callApi(connection, 'GET', '/readyz')).text).toBe('ok');
    }
    await test.close();
  });

  it('ends though a client never finishes its handshake', { timeout: 20_000 }, async () => {
    const test = await startTestServer({ dataDirectory: directory });
    const mute = openSocket(test.server.port, '127.0.0.1');
    await once(mute, 'connect');
    await test.close();
    if (!mute.destroyed) await once(mute, 'close');
    expect(mute.bytesRead).toBe(0);
  });

  it('writes a kubeconfig with everything in it', async () => {
    const test = await startTestServer({ dataDirectory: directory });
    const kubeconfig: unknown = parse(test.server.kubeconfig());
    expect(kubeconfig).toMatchObject({
      kind: 'Config',
      'current-context': 'jouleops',
      clusters: [{ cluster: { server: test.server.url } }],
    });
    await test.close();
  });

  it('says so when another one uses the directory, and leaves that one alone', async () => {
    const test = await startTestServer({ dataDirectory: directory });
    const error = await refusal({});
    expect(error.message).toBe(`another Jouleops control plane is already using the data directory ${directory}`);
    expect(error.next).toMatch(/--data-dir/);
    expect((await test.client.list(namespaces, { signal })).items).toHaveLength(4);
    await test.close();
  });

  it('says so when the port is in use, and can start once it is free', async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => occupant.once('listening', resolve));
    const address = occupant.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const error = await refusal({ port });
    expect(error.message).toBe(`127.0.0.1:${port} is already in use`);
    expect(error.next).toMatch(/--port/);
    await new Promise((resolve) => occupant.close(resolve));
    const server = await startServer({ dataDirectory: directory, port, logger: silentLogger });
    expect(server.port).toBe(port);
    await server.close();
  });

  it('says so when the host is none of this machine', async () => {
    expect((await refusal({ host: '203.0.113.7' })).message).toMatch(/has no address 203\.0\.113\.7/);
  });

  it('says so when a file is where the directory should be', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    const error = await refusal({ dataDirectory: join(file, 'data') });
    expect(error.message).toContain(file);
    expect(error.next).toMatch(/--data-dir/);
  });

  it.skipIf(process.getuid?.() === 0)('says so when the directory cannot be written', async () => {
    const locked = join(directory, 'locked');
    await mkdir(locked);
    await chmod(locked, 0o500);
    expect((await refusal({ dataDirectory: locked })).next).toMatch(/writable/);
  });

  it('says so when the database is none', async () => {
    await writeFile(join(directory, 'control-plane.db'), '<html>not a database</html>'.repeat(100));
    const error = await refusal({});
    expect(error.message).toMatch(/control-plane\.db is not a database/);
    expect(error.next).toMatch(/backup/);
  });
});
