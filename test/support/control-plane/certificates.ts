// The certificates of one test cluster: an authority for clients and servers, and what it issues.
import { generateKeyPairSync, randomBytes, type webcrypto } from 'node:crypto';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

export interface KeyAndCertificate {
  certificatePem: string;
  keyPem: string;
}

export interface TestAuthority extends KeyAndCertificate {
  issueServer(names: readonly string[]): Promise<KeyAndCertificate>;
  /** @param groups become the organisations of the subject, as Kubernetes reads them */
  issueClient(userName: string, groups: readonly string[]): Promise<KeyAndCertificate>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMilliseconds = 86_400_000;

export async function createTestAuthority(name: string): Promise<TestAuthority> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [name] }],
    ...lifetime(),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return loadTestAuthority({ certificatePem: certificate.toString('pem'), keyPem: await exportKey(keys.privateKey) });
}

/** The same authority in another process. */
export async function loadTestAuthority({ certificatePem, keyPem }: KeyAndCertificate): Promise<TestAuthority> {
  const certificate = new x509.X509Certificate(certificatePem);
  const signingKey = await crypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(keyPem), algorithm, false, ['sign']);

  async function issue(subject: x509.JsonName, extensions: x509.Extension[]): Promise<KeyAndCertificate> {
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const issued = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject,
      issuer: certificate.subject,
      ...lifetime(),
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey,
      extensions: [new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true), ...extensions],
    });
    return { certificatePem: issued.toString('pem'), keyPem: await exportKey(keys.privateKey) };
  }

  const alternativeName = (name: string): x509.JsonGeneralName => ({ type: /^[0-9.]+$/.test(name) ? 'ip' : 'dns', value: name });
  const usage = (purpose: string) => new x509.ExtendedKeyUsageExtension([purpose]);
  return {
    certificatePem,
    keyPem,
    issueServer: (names) =>
      issue(
        [{ CN: ['kube-apiserver'] }],
        [
          usage(x509.ExtendedKeyUsage.serverAuth),
          new x509.SubjectAlternativeNameExtension(names.map((name) => alternativeName(name))),
        ],
      ),
    issueClient: (userName, groups) =>
      issue([{ CN: [userName] }, ...groups.map((group) => ({ O: [group] }))], [usage(x509.ExtendedKeyUsage.clientAuth)]),
  };
}

/** The key pair that signs and checks service account tokens. */
export function serviceAccountKeys(): { privatePem: string; publicPem: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

function lifetime(): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 7 * dayMilliseconds) };
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

/** Positive: a leading one bit would make the integer negative. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}
