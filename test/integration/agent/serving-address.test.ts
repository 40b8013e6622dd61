// Inference on an address that is not loopback: TLS, and who may ask. 127.0.0.2 stands for such an address.
import { readFile, stat, writeFile } from 'node:fs/promises';
import { request as plainRequest } from 'node:http';
import { request } from 'node:https';
import { connect as connectSocket } from 'node:net';
import path from 'node:path';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codecOf } from '../../../agent/protocols/grpc/messages.ts';
import { runSuite } from '../../../cli/open-inference/suite.ts';
import { createTestAuthority, type TestAuthority } from '../../support/control-plane/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { createWorld, type World } from './world.ts';

const host = '127.0.0.2';

interface Credentials {
  ca?: string;
  token?: string;
  cert?: string;
  key?: string;
}

function get(url: string, { token, ...tls }: Credentials = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const send = url.startsWith('https') ? request : plainRequest;
    const asked = send(url, { ...tls, headers, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.on('error', reject);
    asked.end();
  });
}

async function live(
  address: string,
  { ca = '', token, cert, key }: Credentials,
  path_ = '/inference.GRPCInferenceService/ServerLive',
): Promise<status> {
  const trust = credentials.createSsl(
    Buffer.from(ca),
    key === undefined ? null : Buffer.from(key),
    cert === undefined ? null : Buffer.from(cert),
  );
  const client = new Client(address, trust);
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  try {
    return await new Promise((resolve) => {
      const [from, to] = [codecOf<object>('Empty'), codecOf<object>('LiveResponse')];
      const done = (error: ServiceError | null) => resolve(error?.code ?? status.OK);
      client.makeUnaryRequest(path_, from.encode, to.decode, {}, metadata, { deadline: Date.now() + 5000 }, done);
    });
  } finally {
    client.close();
  }
}

describe('an agent on an address that is not loopback', () => {
  let world: World;
  let authority: TestAuthority;
  beforeAll(async () => {
    world = await createWorld();
    authority = await createTestAuthority('jouleops-serving-test');
  });
  afterAll(() => world[Symbol.asyncDispose]());
  const kept = (name: string, file: string) => path.join(world.directory, name, file);
  async function written(name: string, text: string): Promise<string> {
    const file = path.join(world.directory, name);
    await writeFile(file, text);
    return file;
  }

  it('speaks TLS with a certificate of its own, and lets in who has its token', async () => {
    const agent = await world.startAgent({ name: 'own', host, grpcPort: 0 });
    expect(agent.url).toMatch(/^https:\/\/127\.0\.0\.2:\d+$/);
    const ca = await readFile(kept('own', 'serving/certificate.pem'), 'utf8');
    const token = (await readFile(kept('own', 'access-token'), 'utf8')).trim();
    for (const secret of ['serving/key.pem', 'access-token']) expect((await stat(kept('own', secret))).mode & 0o777).toBe(0o600);
    expect(agent.readiness.fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    expect(JSON.parse(await readFile(kept('own', 'agent.json'), 'utf8'))).toMatchObject({
      fingerprint: agent.readiness.fingerprint,
    });

    expect(await get(`${agent.url}/v2`, { ca, token })).toBe(200);
    expect(await get(`${agent.url}/v2`, { ca })).toBe(401);
    expect(await get(`${agent.url}/metrics`, { ca, token: 'x'.repeat(token.length) })).toBe(401);
    expect(await get(`${agent.url}/livez`, { ca })).toBe(200);
    await expect(get(`${agent.url}/v2`, { token })).rejects.toThrow(/self-signed/);
    await expect(get(agent.url.replace('https', 'http'), { token })).rejects.toThrow();

    const grpc = agent.readiness.grpc ?? '';
    expect(await live(grpc, { ca, token })).toBe(status.OK);
    expect(await live(grpc, { ca })).toBe(status.UNAUTHENTICATED);
    expect(await live(grpc, { ca }, '/grpc.health.v1.Health/Check')).toBe(status.OK);

    await agent.stop();
    const again = await world.startAgent({ name: 'own', host });
    expect(again.readiness.fingerprint).toBe(agent.readiness.fingerprint);
    expect(await get(`${again.url}/v2`, { ca, token })).toBe(200);
    await again.stop();
  });

  it('passes the conformance suite over TLS, HTTP and gRPC', async () => {
    const agent = await world.startAgent({ name: 'suite', host, grpcPort: 0 });
    const [ca, token] = [
      await readFile(kept('suite', 'serving/certificate.pem'), 'utf8'),
      await readFile(kept('suite', 'access-token'), 'utf8'),
    ];
    await world.assign('suite', 'states', {
      active: await world.slot('classifier.onnx', 'r1', { classLabels: ['a', 'b', 'c'] }),
    });
    await eventually(async () => expect(await get(`${agent.url}/v2/models/states/ready`, { ca, token: token.trim() })).toBe(200));
    const report = await runSuite(
      {
        url: agent.url,
        grpc: agent.readiness.grpc ?? '',
        models: [],
        certificateAuthority: ca,
        token: token.trim(),
        mayUnload: false,
        timeoutMilliseconds: 30_000,
      },
      AbortSignal.timeout(50_000),
    );
    expect(report.results.filter(({ outcome }) => outcome === 'failed' || outcome === 'advice')).toEqual([]);
    expect(report.counts.passed).toBeGreaterThan(120);
    await agent.stop();
  });

  it('takes a certificate that it is given, and client certificates instead of a token', async () => {
    const { certificatePem, keyPem } = await authority.issueServer([host]);
    const client = await authority.issueClient('line-3', []);
    const stranger = await (await createTestAuthority('jouleops-stranger')).issueClient('line-3', []);
    const agent = await world.startAgent({
      name: 'given',
      host,
      grpcPort: 0,
      tls: { certificateFile: await written('cert.pem', certificatePem), keyFile: await written('key.pem', keyPem) },
      clientAuthorityFile: await written('ca.pem', authority.certificatePem),
    });
    const ca = authority.certificatePem;
    const mine = { ca, cert: client.certificatePem, key: client.keyPem };
    const theirs = { ca, cert: stranger.certificatePem, key: stranger.keyPem };
    expect(await get(`${agent.url}/v2`, mine)).toBe(200);
    expect(await get(`${agent.url}/v2`, { ca })).toBe(401);
    expect(await get(`${agent.url}/v2`, theirs)).toBe(401);
    const grpc = agent.readiness.grpc ?? '';
    expect(await live(grpc, mine)).toBe(status.OK);
    expect(await live(grpc, { ca })).toBe(status.UNAUTHENTICATED);
    expect(await live(grpc, theirs)).toBe(status.UNAUTHENTICATED);
    await agent.stop();
  });

  it('ends within seconds although a client is in the middle of its handshake', async () => {
    const agent = await world.startAgent({ name: 'handshake', host, grpcPort: 0 });
    const sockets = [new URL(agent.url).port, agent.readiness.grpc?.split(':')[1]].map((port) =>
      connectSocket(Number(port), host),
    );
    for (const socket of sockets) socket.on('error', () => undefined).write(Buffer.from([0x16, 0x03, 0x01]));
    await eventually(async () => expect(sockets.every(({ connecting }) => !connecting)).toBe(true));
    const begun = performance.now();
    await agent.stop();
    expect(performance.now() - begun).toBeLessThan(5000);
    for (const socket of sockets) socket.destroy();
  });

  it('is plain and open only when somebody said so', async () => {
    const agent = await world.startAgent({ name: 'open', host, insecureOpen: true });
    expect(agent.url).toMatch(/^http:/);
    expect(await get(`${agent.url}/v2`)).toBe(200);
    await agent.stop();
  });

  it('asks for a token on loopback too when it is given one', async () => {
    const token = 'a token of the plant';
    const agent = await world.startAgent({ name: 'loop', accessTokenFile: await written('token', `${token}\n`) });
    expect([await get(`${agent.url}/v2`), await get(`${agent.url}/v2`, { token })]).toEqual([401, 200]);
    await agent.stop();
  });

  it('says what is wrong with the files that it is given', async () => {
    const { certificatePem, keyPem } = await authority.issueServer([host]);
    const { keyPem: otherKey } = await authority.issueServer([host]);
    const at = (certificate: string, key: string) =>
      Promise.all([written('c.pem', certificate), written('k.pem', key)]).then(([certificateFile, keyFile]) => ({
        certificateFile,
        keyFile,
      }));
    await expect(world.startAgent({ name: 'bad', host, tls: await at(certificatePem, otherKey) })).rejects.toThrow(
      'are no certificate and its key',
    );
    await expect(world.startAgent({ name: 'bad', host, tls: await at('none', keyPem) })).rejects.toThrow(
      'are no certificate and its key',
    );
    await expect(world.startAgent({ name: 'bad', host, tls: { certificateFile: '/none', keyFile: '/none' } })).rejects.toThrow(
      '--tls-cert-file /none',
    );
    await expect(world.startAgent({ name: 'bad', host, accessTokenFile: await written('short', 'short') })).rejects.toThrow(
      'a token needs 16',
    );
    await expect(world.startAgent({ name: 'bad', clientAuthorityFile: '/none' })).rejects.toThrow('needs TLS');
  });
});
