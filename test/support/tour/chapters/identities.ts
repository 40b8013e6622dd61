import { generateKeyPairSync } from 'node:crypto';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { Connection } from '../../../../kube/api/connection.ts';
import { eventually } from '../../eventually.ts';
import type { TourChapter } from '../case.ts';
import { apply, deployment, deployments, devices, merge, requests, secrets } from '../paths.ts';
import type { Tour } from '../tour.ts';

const quiet = { unrecorded: true } as const;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

async function certificateRequest(user: string, group: string): Promise<{ request: string; keyPem: string }> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const name = [{ CN: [user] }, { O: [group] }];
  const made = await x509.Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm: algorithm });
  const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  return { request: Buffer.from(made.toString('pem')).toString('base64'), keyPem: key };
}

const requestObject = (name: string, request: string, parts: Record<string, unknown> = {}) => ({
  apiVersion: 'certificates.k8s.io/v1',
  kind: 'CertificateSigningRequest',
  metadata: { name },
  spec: { request, signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'], ...parts },
});

const decision = (type: 'Approved' | 'Denied') => ({
  status: { conditions: [{ type, status: 'True', reason: 'Test', message: 'a test' }] },
});

/** A device with a certificate that the server itself has signed. */
async function joined(tour: Tour): Promise<Connection> {
  const name = tour.namespace;
  const { request, keyPem } = await certificateRequest(`jouleops:device:${name}`, 'jouleops:devices');
  await tour.call(201, 'POST', requests(), { body: requestObject(name, request), ...quiet });
  await tour.call(200, 'PATCH', requests(name, 'approval'), { body: decision('Approved'), contentType: merge, ...quiet });
  const certificate = await eventually(async () => {
    const text = (await tour.call(200, 'GET', requests(name), quiet)).at('status.certificate');
    if (text === '') throw new Error('not signed yet');
    return Buffer.from(text, 'base64').toString();
  }, 30);
  await tour.call(200, 'DELETE', requests(name), quiet);
  const { admin } = tour.server;
  return {
    server: admin.server,
    ...(admin.certificateAuthority === undefined ? {} : { certificateAuthority: admin.certificateAuthority }),
    clientCertificate: certificate,
    clientKey: keyPem,
  };
}

export const identities: TourChapter = {
  title: 'Who may what',
  cases: [
    {
      says: 'nobody may nothing',
      async visit(tour) {
        await tour.call([401, 403], 'GET', deployments(tour), { as: 'nobody' });
        await tour.call([401, 403], 'POST', deployments(tour), { as: 'nobody', body: deployment('a') });
        await tour.call([401, 403], 'GET', secrets(tour), { as: 'nobody' });
      },
      differs: 'The embedded server has no anonymous user: without a certificate a caller is Unauthorized, not Forbidden.',
    },
    {
      says: 'a token that nobody gave is Unauthorized',
      async visit(tour) {
        const { server, certificateAuthority } = tour.server.admin;
        const token = async () => 'a-token-that-nobody-gave';
        const stranger: Connection = { server, token, ...(certificateAuthority === undefined ? {} : { certificateAuthority }) };
        await tour.call(401, 'GET', deployments(tour), { as: stranger });
      },
    },
    {
      says: 'a certificate request is approved and signed',
      needsControllerManager: true,
      async visit(tour) {
        const name = tour.namespace;
        const { request } = await certificateRequest(`jouleops:device:${name}`, 'jouleops:devices');
        const made = await tour.call(201, 'POST', requests(), { body: requestObject(name, request), ...quiet });
        tour.observe('who asked', [made.at('spec.username').length > 0, made.at('spec.signerName'), made.at('spec.usages')]);
        await tour.call(200, 'PATCH', requests(name, 'approval'), { body: decision('Approved'), contentType: merge, ...quiet });
        const signed = await eventually(async () => {
          const answer = await tour.call(200, 'GET', requests(name), quiet);
          if (answer.at('status.certificate') === '') throw new Error('not signed yet');
          return answer;
        }, 30);
        const pem = Buffer.from(signed.at('status.certificate'), 'base64').toString();
        const certificate = new x509.X509Certificate(pem);
        tour.observe(
          'subject',
          certificate.subjectName
            .toJSON()
            .map((part) => JSON.stringify(part))
            .sort(),
        );
        tour.observe('usage', certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? []);
        await tour.call(200, 'DELETE', requests(name), quiet);
      },
    },
    {
      says: 'a certificate request that is denied stays unsigned and denied',
      async visit(tour) {
        const name = tour.namespace;
        const { request } = await certificateRequest('somebody', 'somewhere');
        await tour.call(201, 'POST', requests(), { body: requestObject(name, request), ...quiet });
        await tour.call(200, 'PATCH', requests(name, 'approval'), { body: decision('Denied'), contentType: merge, ...quiet });
        await tour.call(422, 'PATCH', requests(name, 'approval'), { body: decision('Approved'), contentType: merge });
        await tour.call(200, 'DELETE', requests(name), quiet);
      },
    },
    {
      says: 'a certificate request that is none is refused',
      async visit(tour) {
        const nonsense = Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n').toString(
          'base64',
        );
        await tour.call(422, 'POST', requests(), { body: requestObject(tour.namespace, nonsense) });
        const { request } = await certificateRequest('a', 'b');
        await tour.call(422, 'POST', requests(), { body: requestObject(tour.namespace, request, { usages: [] }) });
        await tour.call(422, 'POST', requests(), { body: requestObject(tour.namespace, request, { expirationSeconds: 60 }) });
      },
    },
    {
      says: 'what a certificate request asks for may not change, and approval has its own door',
      async visit(tour) {
        const name = tour.namespace;
        const { request } = await certificateRequest('a', 'b');
        await tour.call(201, 'POST', requests(), { body: requestObject(name, request), ...quiet });
        const again = { spec: { usages: ['client auth', 'server auth'] } };
        await tour.call(200, 'PATCH', requests(name), { body: again, contentType: merge, ...quiet });
        const changed = await tour.call(200, 'GET', requests(name), quiet);
        tour.observe('usages', changed.at('spec.usages'));
        const through = await tour.call(200, 'PATCH', requests(name), {
          body: decision('Approved'),
          contentType: merge,
          ...quiet,
        });
        tour.observe('conditions through the wrong door', through.at('status.conditions'));
        await tour.call(200, 'DELETE', requests(name), quiet);
      },
    },
    {
      says: 'a device may not read Secrets, make deployments, or write another device',
      needsControllerManager: true,
      async visit(tour) {
        const as = await joined(tour);
        await tour.call(403, 'GET', secrets(tour), { as });
        await tour.call(403, 'GET', secrets(tour, 'a'), { as });
        await tour.call(403, 'POST', deployments(tour), { as, body: deployment('a') });
        await tour.call(403, 'DELETE', deployments(tour, 'a'), { as });
        await tour.call(403, 'PATCH', devices('another-device'), { as, body: { spec: { hold: true } }, contentType: merge });
        const status = {
          apiVersion: 'jouleops.dev/v1alpha1',
          kind: 'EdgeDevice',
          metadata: { name: 'another-device' },
          status: {},
        };
        const query = { fieldManager: 'jouleops-agent' };
        await tour.call(403, 'PATCH', devices('another-device', 'status'), { as, body: status, contentType: apply, query });
      },
    },
    {
      says: 'who acts as somebody without rights may nothing',
      async visit(tour) {
        await tour.call(403, 'GET', secrets(tour), { actingAs: 'nobody' });
        await tour.call(403, 'POST', deployments(tour), { actingAs: 'nobody', body: deployment('a') });
      },
    },
    {
      says: 'a device acts as nobody else',
      needsControllerManager: true,
      async visit(tour) {
        const as = await joined(tour);
        await tour.call(403, 'GET', devices(), { as, actingAs: 'jouleops:device:another-device' });
      },
    },
    {
      says: 'a certificate of another authority is not trusted',
      async visit(tour) {
        const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        const keys = {
          privateKey: await importKey(privateKey.export({ type: 'pkcs8', format: 'der' }), 'pkcs8', 'sign'),
          publicKey: await importKey(publicKey.export({ type: 'spki', format: 'der' }), 'spki', 'verify'),
        };
        const own = await x509.X509CertificateGenerator.createSelfSigned({
          serialNumber: '01',
          name: [{ CN: ['admin'] }, { O: ['system:masters'] }],
          notBefore: new Date(Date.now() - 3_600_000),
          notAfter: new Date(Date.now() + 3_600_000),
          signingAlgorithm: algorithm,
          keys,
        });
        const { server, certificateAuthority } = tour.server.admin;
        const stranger: Connection = {
          server,
          clientCertificate: own.toString('pem'),
          clientKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
          ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
        };
        await tour.call(401, 'GET', deployments(tour), { as: stranger });
      },
    },
  ],
};

function importKey(der: Buffer, format: 'pkcs8' | 'spki', usage: 'sign' | 'verify') {
  return crypto.subtle.importKey(format, new Uint8Array(der), algorithm, true, [usage]);
}
