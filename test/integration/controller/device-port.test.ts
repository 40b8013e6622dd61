import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { connect as connectSecurely } from 'node:tls';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCertificateRequest, createDeviceKey } from '../../../agent/identity/certificate-request.ts';
import type { DeviceIdentity } from '../../../agent/identity/device-identity.ts';
import { joinFleet, renewIdentity } from '../../../agent/identity/join.ts';
import { digestOf } from '../../../crds/digest.ts';
import { artifactPath, decodeJoinToken, encodeJoinToken, type JoinError, joinPath } from '../../../crds/join.ts';
import { annotations, devicesNamespace } from '../../../crds/names.ts';
import { deviceClasses, edgeDevices, modelVersions } from '../../../crds/resources.ts';
import { leases, namespaces, secrets } from '../../../kube/api/builtins.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { startControlPlane, type TestControlPlane } from '../../support/controller.ts';
import { eventually } from '../../support/eventually.ts';

const signal = AbortSignal.timeout(120_000);
const artifact = 'not a model, but bytes with a digest';
const digest = digestOf(artifact);

describe('the device port', () => {
  let plane: TestControlPlane;
  let token: string;
  let modelStore: string;
  let identity: DeviceIdentity;

  const joinAs = (name: string, deviceClassName?: string) =>
    joinFleet(
      { name, source: { kind: 'JoinToken', token }, ...(deviceClassName === undefined ? {} : { deviceClassName }) },
      signal,
    );
  const call = async (
    at: string,
    options: { method?: 'GET' | 'POST' | 'HEAD'; body?: unknown; headers?: Record<string, string>; as?: DeviceIdentity } = {},
  ) => {
    const dispatcher = new Agent({
      connect: {
        ca: identity.artifacts.certificateAuthority,
        ...(options.as ? { cert: options.as.certificate, key: options.as.key } : {}),
      },
    });
    try {
      const response = await request(new URL(at, plane.controller.devicePortUrl), {
        dispatcher,
        method: options.method ?? 'GET',
        headers: options.headers ?? {},
        ...(options.body === undefined
          ? {}
          : { body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body) }),
      });
      return { status: response.statusCode, headers: response.headers, text: await response.body.text() };
    } finally {
      await dispatcher.close();
    }
  };
  const joinWith = async (body: Record<string, unknown>, as?: DeviceIdentity) => {
    const response = await call(joinPath, { method: 'POST', body, ...(as ? { as } : {}) });
    return { status: response.status, answer: JSON.parse(response.text) as JoinError };
  };
  const requestFor = (name: string) => ({
    name,
    certificateRequest: createCertificateRequest(name, createDeviceKey()),
    agentVersion: '0.1.0',
  });

  beforeAll(async () => {
    modelStore = await mkdtemp(path.join(os.tmpdir(), 'jouleops-models-'));
    await mkdir(path.join(modelStore, 'x'), { recursive: true });
    await writeFile(path.join(modelStore, 'x/model.onnx'), artifact);
    plane = await startControlPlane({ modelStoreDirectory: modelStore });
    token = await plane.controller.mintJoinToken({ validSeconds: 600 });
    identity = await joinAs('pi-1');
    const version = {
      apiVersion: 'jouleops.dev/v1alpha1',
      kind: 'ModelVersion',
      metadata: { name: 'x', namespace: 'default' },
      spec: { family: 'x', version: '1.0.0', variants: [{ name: 'fp32', digest, sources: [{ uri: 'store://x/model.onnx' }] }] },
    };
    await plane.client
      .create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } }, { signal })
      .catch(() => undefined);
    await plane.client.create(modelVersions, version, { signal });
    await eventually(async () => expect((await call(artifactPath(digest), { as: identity })).status).toBe(200), 20);
  });
  afterAll(async () => {
    await plane.close();
    await rm(modelStore, { recursive: true, force: true });
  });

  describe('joining', () => {
    it('gives a certificate for the device alone, an EdgeDevice and a Lease', async () => {
      const certificate = new X509Certificate(identity.certificate);
      expect(certificate.subject.split('\n').sort()).toEqual(['CN=jouleops:device:pi-1', 'O=jouleops:devices']);
      const device = await plane.client.get(edgeDevices, { name: 'pi-1' }, { signal });
      expect(device.metadata.annotations?.[annotations.keyFingerprint]).toMatch(/^[0-9a-f]{64}$/);
      expect(device.metadata.uid).toBe(identity.deviceUid);
      expect((await plane.client.get(leases, { namespace: devicesNamespace, name: 'pi-1' }, { signal })).metadata.name).toBe(
        'pi-1',
      );
    });

    it('stores tokens hashed', async () => {
      const secret = await plane.client.get(secrets, { namespace: 'jouleops-system', name: 'jouleops-join-tokens' }, { signal });
      const { secret: plain, id } = decodeJoinToken(token);
      const stored = Buffer.from(secret.data?.[id] ?? '', 'base64').toString('utf8');
      expect(stored).toContain('hash');
      expect(JSON.stringify(secret.data) + stored).not.toContain(plain);
    });

    it('refuses a second board under a name that is taken, and a reset frees the name', async () => {
      await joinAs('pi-2');
      await expect(joinAs('pi-2')).rejects.toThrow(
        'another board joined as pi-2; give this board another name, or run "jouleops device reset pi-2"',
      );
      await plane.client.patch(
        edgeDevices,
        { name: 'pi-2' },
        { kind: 'merge', body: { metadata: { annotations: { [annotations.keyFingerprint]: null } } } },
        { signal },
      );
      await expect(joinAs('pi-2')).resolves.toMatchObject({ name: 'pi-2' });
    });

    it('renews with the certificate in use, and only with that', async () => {
      const old = await joinAs('pi-3');
      const renewed = await joinWith(requestFor('pi-3'), old);
      expect(renewed.status).toBe(200);
      expect(await joinWith(requestFor('pi-3'), old), 'the old key no longer stands for the device').toMatchObject({
        status: 401,
        answer: { reason: 'InvalidToken' },
      });
      expect(await joinWith(requestFor('pi-1'), old), 'nor for another').toMatchObject({ status: 401 });
    });

    it('does not bring back a device that was deleted', async () => {
      const gone = await joinAs('pi-4');
      await plane.client.delete(edgeDevices, { name: 'pi-4' }, { signal });
      expect(await joinWith(requestFor('pi-4'), gone)).toMatchObject({ status: 401, answer: { reason: 'InvalidToken' } });
    });

    it('makes the class of a simulated device, and no other class can be asked for', async () => {
      await joinAs('sim-1', 'raspberry-pi-5-simulated');
      expect((await plane.client.get(deviceClasses, { name: 'raspberry-pi-5-simulated' }, { signal })).spec).toEqual({
        simulatedFrom: 'raspberry-pi-5',
      });
      await expect(joinAs('sim-2', 'raspberry-pi-5')).rejects.toThrow('only classes that end in -simulated can be asked for');
    });

    it('says which class is missing to who simulates one that is not there, which may come', async () => {
      await expect(joinAs('sim-3', 'toaster-simulated')).rejects.toMatchObject({
        message: expect.stringContaining(
          'there is no DeviceClass toaster to simulate; create that class, or simulate another',
        ) as string,
        retry: true,
      });
    });

    it('goes on while strangers send their requests byte by byte', async () => {
      const { port } = new URL(plane.controller.devicePortUrl);
      const strangers = await Promise.all(
        Array.from({ length: 70 }, async () => {
          const ca = identity.artifacts.certificateAuthority;
          const socket = connectSecurely({ host: '127.0.0.1', port: Number(port), ca });
          await once(socket, 'secureConnect');
          socket.on('error', () => undefined);
          socket.write(`POST ${joinPath} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{`);
          return socket;
        }),
      );
      try {
        await expect(joinAs('pi-5')).resolves.toMatchObject({ name: 'pi-5' });
      } finally {
        for (const socket of strangers) socket.destroy();
      }
    });

    it.each<[string, (valid: Record<string, unknown>) => Record<string, unknown>, number, string]>([
      ['a name that is none', (valid) => ({ ...valid, name: '../x' }), 400, 'BadRequest'],
      ['no certificate request', ({ name, token: value }) => ({ name, token: value, agentVersion: '1' }), 400, 'BadRequest'],
      ['a certificate request that is none', (valid) => ({ ...valid, certificateRequest: 'x' }), 400, 'BadRequest'],
      [
        'a certificate request for another device',
        (valid) => ({ ...valid, certificateRequest: requestFor('pi-1').certificateRequest }),
        400,
        'BadRequest',
      ],
      [
        'no token',
        ({ name, certificateRequest, agentVersion }) => ({ name, certificateRequest, agentVersion }),
        401,
        'InvalidToken',
      ],
      ['a token that is none', (valid) => ({ ...valid, token: { kind: 'JoinToken', value: 'abc' } }), 401, 'InvalidToken'],
      [
        'a token with a changed secret',
        (valid) => ({
          ...valid,
          token: { kind: 'JoinToken', value: encodeJoinToken({ ...decodeJoinToken(token), secret: 'guessed' }) },
        }),
        401,
        'InvalidToken',
      ],
      [
        'a token of another controller',
        (valid) => ({
          ...valid,
          token: { kind: 'JoinToken', value: encodeJoinToken({ ...decodeJoinToken(token), id: 'other' }) },
        }),
        401,
        'InvalidToken',
      ],
      [
        'a service account token that the cluster does not know',
        (valid) => ({ ...valid, token: { kind: 'ServiceAccountToken', value: 'abc' } }),
        401,
        'InvalidToken',
      ],
    ])('refuses %s', async (_, change, status, reason) => {
      const valid = { ...requestFor('pi-9'), token: { kind: 'JoinToken', value: token } };
      expect(await joinWith(change(valid))).toMatchObject({ status, answer: { reason, next: expect.any(String) as string } });
    });

    it('refuses a token that has expired, whatever it says itself', async () => {
      const brief = await plane.controller.mintJoinToken({ validSeconds: -1 });
      const forged = encodeJoinToken({ ...decodeJoinToken(brief), expires: '2999-01-01T00:00:00Z' });
      expect(await joinWith({ ...requestFor('pi-9'), token: { kind: 'JoinToken', value: forged } })).toMatchObject({
        status: 401,
        answer: { reason: 'ExpiredToken' },
      });
    });

    it('refuses bodies that are too large or no JSON', async () => {
      expect((await call(joinPath, { method: 'POST', body: 'x'.repeat(70_000) })).status).toBe(413);
      expect((await call(joinPath, { method: 'POST', body: '{' })).status).toBe(400);
      expect((await call(joinPath)).status).toBe(405);
    });
  });

  it('speaks TLS 1.3 and nothing older', async () => {
    const { port } = new URL(plane.controller.devicePortUrl);
    const refusal = new Promise<string>((resolve) => {
      const ca = identity.artifacts.certificateAuthority;
      const socket = connectSecurely({ host: '127.0.0.1', port: Number(port), ca, maxVersion: 'TLSv1.2' });
      socket.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
      socket.on('secureConnect', () => resolve('connected'));
    });
    expect(await refusal).toMatch(/ALERT_PROTOCOL_VERSION/);
  });

  it('tells every board that joins or renews which authority the API server has at that moment', async () => {
    let authority = 'first';
    const readCertificateAuthority = async () => authority;
    const apiServer = { url: 'https://127.0.0.1:1', certificateAuthority: 'at the start', readCertificateAuthority };
    const other = await startControlPlane({ apiServer });
    const source = { kind: 'JoinToken', token: await other.controller.mintJoinToken({ validSeconds: 600 }) } as const;
    const joined = await joinFleet({ name: 'pi-1', source }, signal);
    expect(joined.apiServer.certificateAuthority).toBe('first');
    authority = 'rotated';
    expect((await renewIdentity(joined, signal)).apiServer.certificateAuthority).toBe('rotated');
    await other.close();
  });

  it('ends with its controller though a client never finishes its handshake', { timeout: 40_000 }, async () => {
    const other = await startControlPlane();
    const { port } = new URL(other.controller.devicePortUrl);
    const mute = connect(Number(port), '127.0.0.1');
    await once(mute, 'connect');
    await other.close();
    if (!mute.destroyed) await once(mute, 'close');
    expect(mute.bytesRead).toBe(0);
  });

  describe('artifacts', () => {
    it('are served whole, in part, and not at all past their end', async () => {
      const whole = await call(artifactPath(digest), { as: identity });
      expect(whole).toMatchObject({ status: 200, text: artifact });
      const part = await call(artifactPath(digest), { as: identity, headers: { range: 'bytes=4-' } });
      expect(part).toMatchObject({ status: 206, text: artifact.slice(4) });
      expect(part.headers['content-range']).toBe(`bytes 4-${artifact.length - 1}/${artifact.length}`);
      expect(
        (await call(artifactPath(digest), { as: identity, headers: { range: 'bytes=4-', 'if-range': '"another"' } })).status,
      ).toBe(200);
      expect((await call(artifactPath(digest), { as: identity, headers: { range: 'bytes=999-' } })).status).toBe(416);
      expect(await call(artifactPath(digest), { as: identity, method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
    });

    it('are not there for callers without the certificate of a device', async () => {
      expect((await call(artifactPath(digest))).status).toBe(401);
      const administrator = plane.apiServer.admin;
      expect(
        (
          await call(artifactPath(digest), {
            as: { ...identity, certificate: administrator.clientCertificate ?? '', key: administrator.clientKey ?? '' },
          })
        ).status,
      ).toBe(401);
    });

    it('that nobody declared are not found', async () => {
      expect((await call(artifactPath(`sha256:${'0'.repeat(64)}`), { as: identity })).status).toBe(404);
      expect((await call('/artifacts/sha256/..%2f..%2fetc', { as: identity })).status).toBe(404);
    });

    it('that are no model are kept out by the analysis, with a condition', async () => {
      await eventually(async () => {
        const version = await plane.client.get(modelVersions, { namespace: 'default', name: 'x' }, { signal });
        expect(findCondition(version.status?.conditions, 'Analyzed')).toMatchObject({
          status: 'False',
          reason: 'UnsupportedModel',
        });
        expect(findCondition(version.status?.conditions, 'Stalled')).toMatchObject({
          status: 'True',
          reason: 'UnsupportedModel',
        });
        expect(findCondition(version.status?.conditions, 'Verified')).toMatchObject({ status: 'True' });
      }, 20);
    });
  });
});
