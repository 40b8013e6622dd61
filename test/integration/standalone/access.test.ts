import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { devicesGroup, devicesNamespace, deviceUserName } from '../../../crds/names.ts';
import { edgeDevices, modelInstances } from '../../../crds/resources.ts';
import { certificateSigningRequests, leases, namespaces } from '../../../kube/api/builtins.ts';
import type { Connection } from '../../../kube/api/connection.ts';
import { startServer } from '../../../standalone/server.ts';
import { callApi } from '../../support/api-call.ts';
import { eventually } from '../../support/eventually.ts';
import { silentLogger } from '../../support/silent-logger.ts';
import { startTestServer, type TestServer } from '../../support/standalone.ts';

const signal = AbortSignal.timeout(60_000);
const ours = '/apis/jouleops.dev/v1alpha1';
const applyType = 'application/apply-patch+yaml';
const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

describe('who may do what', () => {
  let test: TestServer;
  let device: Connection;

  beforeAll(async () => {
    test = await startTestServer();
    device = await certify('board-1', ['client auth']);
    for (const name of ['board-1', 'board-2']) {
      await test.client.create(
        edgeDevices,
        { apiVersion: 'jouleops.dev/v1alpha1', kind: 'EdgeDevice', metadata: { name }, spec: {} },
        { signal },
      );
      const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace: devicesNamespace } };
      await test.client.create(leases, lease, { signal });
      await test.client.apply(
        modelInstances,
        {
          metadata: { name: `on-${name}`, namespace: 'default' },
          spec: { deviceName: name, deploymentName: 'd', deploymentUid: 'u' },
        },
        { fieldManager: 'test', signal },
      );
    }
  });
  afterAll(() => test.close());

  /** As the controller does at a join: create, approve, wait for the certificate. */
  async function certify(name: string, usages: string[]): Promise<Connection> {
    const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
    const subject = `CN=${deviceUserName(name)}, O=${devicesGroup}`;
    const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: subject, keys, signingAlgorithm: keyAlgorithm });
    const created = await test.client.create(
      certificateSigningRequests,
      {
        apiVersion: 'certificates.k8s.io/v1',
        kind: 'CertificateSigningRequest',
        metadata: { name: '', generateName: `${name}-` },
        spec: {
          request: Buffer.from(request.toString('pem')).toString('base64'),
          signerName: 'kubernetes.io/kube-apiserver-client',
          usages,
          expirationSeconds: 3600,
        },
      },
      { signal },
    );
    const key = { name: created.metadata.name };
    const approved = { type: 'Approved', status: 'True', reason: 'Test', message: '' };
    const body = { status: { conditions: [approved] } };
    await test.client.patch(certificateSigningRequests, key, { kind: 'merge', body }, { subresource: 'approval', signal });
    const certificate = await eventually(async () => {
      const { status } = await test.client.get(certificateSigningRequests, key, { signal });
      const failed = status?.conditions?.find(({ type }) => type === 'Failed');
      if (failed) return `failed: ${failed.message}`;
      if (status?.certificate === undefined) throw new Error('not signed yet');
      return Buffer.from(status.certificate, 'base64').toString();
    });
    if (certificate.startsWith('failed')) throw new Error(certificate);
    const clientKey = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
    return { ...test.server.admin, clientCertificate: certificate, clientKey };
  }

  const asDevice = async (method: string, path: string, body?: unknown, contentType?: string) => {
    const options = body === undefined ? {} : { body, ...(contentType === undefined ? {} : { contentType }) };
    return (await callApi(device, method, path, options)).status;
  };
  const status = (kind: string, name: string, value: object, spec: object = {}) => ({
    apiVersion: 'jouleops.dev/v1alpha1',
    kind,
    metadata: { name },
    ...spec,
    status: value,
  });

  it('signs an approved request as a client certificate for as long as asked', async () => {
    const certificate = new x509.X509Certificate(device.clientCertificate ?? '');
    expect(certificate.subject).toBe('CN=jouleops:device:board-1, O=jouleops:devices');
    expect((certificate.notAfter.getTime() - Date.now()) / 60_000).toBeLessThanOrEqual(60);
    expect(certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages).toEqual([x509.ExtendedKeyUsage.clientAuth]);
    expect(certificate.getExtension(x509.BasicConstraintsExtension)?.ca).toBe(false);
  });

  it('signs nothing for another use, and says why', async () => {
    await expect(certify('server', ['server auth'])).rejects.toThrow(/usages must hold "client auth"/);
  });

  it('records who asked, whatever the request says', async () => {
    const { items } = await test.client.list(certificateSigningRequests, { signal });
    expect(items[0]?.spec).toMatchObject({ username: 'jouleops:admin', groups: ['system:masters', 'system:authenticated'] });
  });

  it('lets a device read devices and instances, and write what is its own', async () => {
    expect(await asDevice('GET', `${ours}/edgedevices`)).toBe(200);
    expect(await asDevice('GET', `${ours}/edgedevices?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dboard-1`)).toBe(200);
    expect(await asDevice('GET', `${ours}/namespaces/default/modelinstances/on-board-2`)).toBe(200);
    const lease = `/apis/coordination.k8s.io/v1/namespaces/${devicesNamespace}/leases/board-1`;
    const renewTime = '2026-01-01T00:00:00.000000Z';
    expect(await asDevice('PATCH', lease, { spec: { renewTime } }, 'application/merge-patch+json')).toBe(200);
    const own = `${ours}/edgedevices/board-1/status?fieldManager=agent`;
    expect(await asDevice('PATCH', own, status('EdgeDevice', 'board-1', { agentVersion: '1.0.0' }), applyType)).toBe(200);
    const instance = `${ours}/namespaces/default/modelinstances/on-board-1/status?fieldManager=agent`;
    expect(await asDevice('PATCH', instance, status('ModelInstance', 'on-board-1', { phase: 'Serving' }), applyType)).toBe(200);
  });

  it('does not let the status door change the spec', async () => {
    const path = `${ours}/edgedevices/board-1/status?fieldManager=agent&force=true`;
    const sneaky = status('EdgeDevice', 'board-1', { agentVersion: '1.0.1' }, { spec: { hold: true } });
    expect(await asDevice('PATCH', path, sneaky, applyType)).toBe(200);
    const stored = await test.client.get(edgeDevices, { name: 'board-1' }, { signal });
    expect(stored.spec).toEqual({});
  });

  const forbidden: [string, string, object?, string?][] = [
    ['GET', '/api/v1/namespaces/default/secrets'],
    ['GET', '/api/v1/secrets'],
    ['GET', '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication'],
    ['GET', '/api/v1/namespaces'],
    ['GET', `${ours}/namespaces/default/modelinstances`],
    ['GET', `${ours}/namespaces/default/modelinstances?watch=1`],
    ['GET', `${ours}/namespaces/default/modeldeployments`],
    ['GET', `${ours}/edgedevices/board-1/status`],
    ['POST', `${ours}/edgedevices`, { metadata: { name: 'x' } }],
    ['PATCH', `${ours}/edgedevices/board-1`, { spec: { hold: true } }, 'application/merge-patch+json'],
    ['PATCH', `${ours}/edgedevices/board-1`, { metadata: { labels: { a: 'b' } } }, 'application/merge-patch+json'],
    ['PATCH', `${ours}/edgedevices/board-2/status?fieldManager=a`, status('EdgeDevice', 'board-2', {}), applyType],
    ['PATCH', `${ours}/edgedevices/none/status?fieldManager=a`, status('EdgeDevice', 'none', {}), applyType],
    [
      'PATCH',
      `${ours}/namespaces/default/modelinstances/on-board-2/status?fieldManager=a`,
      status('ModelInstance', 'on-board-2', {}),
      applyType,
    ],
    [
      'PATCH',
      `${ours}/namespaces/default/modelinstances/on-board-1?fieldManager=a`,
      status('ModelInstance', 'on-board-1', {}),
      applyType,
    ],
    ['PUT', `${ours}/edgedevices/board-1/status`, status('EdgeDevice', 'board-1', {})],
    ['DELETE', `${ours}/edgedevices/board-1`],
    ['DELETE', `${ours}/edgedevices`],
    ['DELETE', `${ours}/namespaces/default/modelinstances/on-board-1`],
    ['GET', `/apis/coordination.k8s.io/v1/namespaces/${devicesNamespace}/leases`],
    ['GET', `/apis/coordination.k8s.io/v1/namespaces/${devicesNamespace}/leases/board-1`],
    ['GET', `/apis/coordination.k8s.io/v1/namespaces/${devicesNamespace}/leases/board-2`],
    ['GET', '/apis/coordination.k8s.io/v1/namespaces/default/leases/board-1'],
    ['PUT', `/apis/coordination.k8s.io/v1/namespaces/${devicesNamespace}/leases/board-2`, {}],
    ['DELETE', `/apis/coordination.k8s.io/v1/namespaces/${devicesNamespace}/leases/board-1`],
    ['POST', `/apis/coordination.k8s.io/v1/namespaces/${devicesNamespace}/leases`, { metadata: { name: 'x' } }],
    ['POST', '/apis/certificates.k8s.io/v1/certificatesigningrequests', {}],
    ['PATCH', '/apis/certificates.k8s.io/v1/certificatesigningrequests/x/approval', {}, 'application/merge-patch+json'],
    ['POST', '/apis/events.k8s.io/v1/namespaces/default/events', {}],
  ];
  it.each(forbidden)('refuses a device %s %s', async (method, path, body, contentType) => {
    expect(await asDevice(method, path, body, contentType)).toBe(403);
  });

  it('says who may not do what, in the words of Kubernetes', async () => {
    const answer = await callApi(device, 'GET', '/api/v1/namespaces/default/secrets/s');
    expect(answer.json()).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message:
        'secrets "s" is forbidden: User "jouleops:device:board-1" cannot get resource "secrets" in API group "" in the namespace "default"',
      reason: 'Forbidden',
      details: { name: 's', kind: 'secrets' },
      code: 403,
    });
  });

  it('knows nobody without a certificate, but tells anybody that it lives', async () => {
    const { clientCertificate: _certificate, clientKey: _key, ...nobody } = test.server.admin;
    expect((await callApi(nobody, 'GET', '/api/v1/namespaces')).json()).toMatchObject({ code: 401, reason: 'Unauthorized' });
    expect((await callApi(nobody, 'GET', '/apis')).status).toBe(401);
    expect((await callApi(nobody, 'GET', '/readyz')).text).toBe('ok');
    expect((await callApi(nobody, 'GET', '/version')).json()).toMatchObject({ major: '1' });
  });

  it.each(['impersonate-user', 'impersonate-group', 'impersonate-uid', 'impersonate-extra-scope'])(
    'does nothing for a caller who asks to act as somebody else by %s',
    async (header) => {
      const headers = { [header]: 'nobody' };
      const answer = await callApi(test.server.admin, 'GET', '/api/v1/secrets', { headers });
      expect(answer.json()).toMatchObject({
        code: 403,
        message: `secrets is forbidden: this server lets nobody act as somebody else: call without ${header} (kubectl --as)`,
      });
      expect((await callApi(device, 'GET', `${ours}/edgedevices`, { headers })).status).toBe(403);
    },
  );

  it.each(['default', 'kube-system'])('lets nobody delete the namespace %s, which the server needs', async (name) => {
    const refused = test.client.delete(namespaces, { name }, { signal });
    await expect(refused).rejects.toMatchObject({ status: 403, message: expect.stringContaining('may not be deleted') });
    expect((await test.client.get(namespaces, { name }, { signal })).status).toEqual({ phase: 'Active' });
  });

  it('refuses a certificate of another authority, and any token', async () => {
    const other = await startTestServer();
    const stranger = { ...other.server.admin, server: test.server.url, certificateAuthority: test.server.certificateAuthority };
    expect((await callApi(stranger, 'GET', '/api/v1/namespaces')).status).toBe(401);
    const headers = { authorization: 'Bearer x' };
    expect((await callApi(test.server.admin, 'GET', '/api/v1/namespaces', { headers })).status).toBe(401);
    await other.close();
  });

  it('knows its devices again after a restart', async () => {
    const first = test;
    await first.client.close();
    await first.server.close();
    const server = await startServer({ dataDirectory: first.dataDirectory, logger: silentLogger });
    expect((await callApi({ ...device, server: server.url }, 'GET', `${ours}/edgedevices`)).status).toBe(200);
    await server.close();
    test = await startTestServer();
    await first.close();
  });
});
