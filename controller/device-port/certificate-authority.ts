// The controller's own CA: what devices trust when they join and fetch artifacts. Kept in a Secret, so it outlives restarts.
import 'reflect-metadata'; // @peculiar/x509 resolves its algorithms through it
import { createHash, randomBytes, type webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { isAlreadyExists, isNotFound } from '../../kube/api/api-error.ts';
import { secrets } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Clock } from '../../kube/runtime/clock.ts';

const secretName = 'jouleops-device-port-ca';
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const daysMilliseconds = 86_400_000;

export interface CertificateAuthority {
  /** PEM. */
  certificate: string;
  /** sha256 of the DER, hex: what a join token carries. */
  fingerprint: string;
  /** A server certificate for these names and addresses: PEM chain (with the CA, so that a fingerprint can be checked) and key. */
  issueServer(names: readonly string[]): Promise<{ chain: string; key: string; notAfter: number }>;
}

/** Reads the CA out of its Secret, or makes one; of two controllers that start at once, one wins and the other reads. */
export async function loadCertificateAuthority(
  deps: { client: Client; clock: Clock },
  namespace: string,
  signal: AbortSignal,
): Promise<CertificateAuthority> {
  const key = { namespace, name: secretName };
  for (;;) {
    try {
      const stored = await deps.client.get(secrets, key, { signal });
      return await fromPem(deps.clock, decode(stored.data, 'tls.crt'), decode(stored.data, 'tls.key'));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    const made = await generate(deps.clock);
    try {
      await deps.client.create(
        secrets,
        {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: key,
          type: 'kubernetes.io/tls',
          data: { 'tls.crt': encode(made.certificate), 'tls.key': encode(made.key) },
        },
        { signal },
      );
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }
}

async function generate(clock: Clock): Promise<{ certificate: string; key: string }> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: 'CN=jouleops-device-port-ca',
    notBefore: new Date(clock.now() - 3_600_000),
    notAfter: new Date(clock.now() + 3650 * daysMilliseconds),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString('pem'), key: await exportKey(keys.privateKey) };
}

async function fromPem(clock: Clock, certificatePem: string, keyPem: string): Promise<CertificateAuthority> {
  const certificate = new x509.X509Certificate(certificatePem);
  const signingKey = await crypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(keyPem), algorithm, false, ['sign']);
  return {
    certificate: certificatePem,
    fingerprint: createHash('sha256').update(new Uint8Array(certificate.rawData)).digest('hex'),
    async issueServer(names) {
      const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
      const notAfter = clock.now() + 90 * daysMilliseconds;
      const issued = await x509.X509CertificateGenerator.create({
        serialNumber: serialNumber(),
        subject: 'CN=jouleops-device-port',
        issuer: certificate.subject,
        notBefore: new Date(clock.now() - 3_600_000),
        notAfter: new Date(notAfter),
        signingAlgorithm: algorithm,
        publicKey: keys.publicKey,
        signingKey,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
          new x509.SubjectAlternativeNameExtension(names.map((name) => ({ type: isAddress(name) ? 'ip' : 'dns', value: name }))),
        ],
      });
      return { chain: `${issued.toString('pem')}\n${certificatePem}`, key: await exportKey(keys.privateKey), notAfter };
    },
  };
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

/** Positive and unique; the leading zero bit keeps the integer from being negative. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function isAddress(name: string): boolean {
  return /^[0-9.]+$/.test(name) || name.includes(':');
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}

function decode(data: Record<string, string> | undefined, field: string): string {
  const value = data?.[field];
  if (value === undefined)
    throw new Error(
      `Secret ${secretName} lacks ${field}: delete it, and the controller makes a new CA (devices then join again)`,
    );
  return Buffer.from(value, 'base64').toString('utf8');
}
