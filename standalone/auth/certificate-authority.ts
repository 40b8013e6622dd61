import 'reflect-metadata';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import type { Clock } from '../../kube/runtime/clock.ts';
import { StandaloneError } from '../standalone-error.ts';
import { writeDurably } from '../storage/durable-file.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const usages: KeyUsage[] = ['sign', 'verify'];
const daySeconds = 86_400;
const authorityDays = 3650;
const ownCertificateDays = 1825;
/** What is left of the administrator's at a start: with less, it gets another, and the kubeconfig that is written then has it. */
const renewalDays = 365;
/** Clocks of devices are not exact. */
const backdateSeconds = 300;

type KeyUsage = 'sign' | 'verify';

interface KeyPair {
  readonly certificate: string; // PEM
  readonly key: string; // PEM, PKCS #8
}

/** The cluster's own certificate authority. Its key never leaves the data directory. */
export interface CertificateAuthority {
  readonly certificate: string; // PEM
  /** A new key and its certificate for the API server itself. */
  issueServer(hosts: readonly string[]): Promise<KeyPair>;
  /** The administrator's, kept in the data directory while it is good for another year. */
  administrator(): Promise<KeyPair>;
  /** Signs a PEM certificate request for client authentication. Throws when the request is not signed by its own key. */
  signClient(request: string, validSeconds: number): Promise<string>;
}

export async function openCertificateAuthority(dataDirectory: string, clock: Clock): Promise<CertificateAuthority> {
  const directory = join(dataDirectory, 'pki');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const own = await loadOrCreate(join(directory, 'ca'), () => createAuthority(clock));
  const certificate = new x509.X509Certificate(own.certificate);
  const signingKey = await importKey(own.key);
  const authority = { certificate, signingKey, clock };
  return {
    certificate: own.certificate,
    issueServer: (hosts) => issueWithNewKey(authority, 'jouleops-apiserver', 'server', hosts),
    administrator: () => {
      const goodUntil = clock.now() + renewalDays * daySeconds * 1000;
      return loadOrCreate(
        join(directory, 'admin'),
        () => issueWithNewKey(authority, 'jouleops:admin', 'client', []),
        (stored) => new x509.X509Certificate(stored).notAfter.getTime() > goodUntil,
      );
    },
    signClient: async (pem, validSeconds) => {
      const request = new x509.Pkcs10CertificateRequest(pem);
      if (!(await request.verify())) throw new Error('the request is not signed by the key that it is for');
      const publicKey = await request.publicKey.export();
      return issue(authority, { subject: request.subject, publicKey, use: 'client', hosts: [], validSeconds });
    },
  };
}

interface Authority {
  readonly certificate: x509.X509Certificate;
  readonly signingKey: CryptoKey;
  readonly clock: Clock;
}

type CryptoKey = Awaited<ReturnType<typeof importKey>>;

async function createAuthority(clock: Clock): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(algorithm, true, usages);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: 'CN=jouleops-standalone',
    keys,
    signingAlgorithm: algorithm,
    ...validity(clock, authorityDays * daySeconds),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pem(certificate), key: await exportKey(keys.privateKey) };
}

async function issueWithNewKey(
  authority: Authority,
  name: string,
  use: 'server' | 'client',
  hosts: readonly string[],
): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(algorithm, true, usages);
  const subject = use === 'client' ? `CN=${name}, O=system:masters` : `CN=${name}`;
  const validSeconds = ownCertificateDays * daySeconds;
  const certificate = await issue(authority, { subject, publicKey: keys.publicKey, use, hosts, validSeconds });
  return { certificate, key: await exportKey(keys.privateKey) };
}

interface Leaf {
  readonly subject: string;
  readonly publicKey: CryptoKey;
  readonly use: 'server' | 'client';
  readonly hosts: readonly string[];
  readonly validSeconds: number;
}

async function issue(authority: Authority, leaf: Leaf): Promise<string> {
  const names = leaf.hosts.map((host) => ({ type: isIP(host) === 0 ? ('dns' as const) : ('ip' as const), value: host }));
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: leaf.subject,
    issuer: authority.certificate.subject,
    publicKey: leaf.publicKey,
    signingKey: authority.signingKey,
    signingAlgorithm: algorithm,
    ...validity(authority.clock, leaf.validSeconds),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        leaf.use === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth,
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(authority.certificate.publicKey),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
    ],
  });
  return pem(certificate);
}

function validity(clock: Clock, seconds: number): { notBefore: Date; notAfter: Date } {
  const now = clock.now();
  return { notBefore: new Date(now - backdateSeconds * 1000), notAfter: new Date(now + seconds * 1000) };
}

function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return Buffer.from(bytes).toString('hex');
}

async function loadOrCreate(
  path: string,
  create: () => Promise<KeyPair>,
  isGood: (certificate: string) => boolean = () => true,
): Promise<KeyPair> {
  const files = { certificate: `${path}.crt`, key: `${path}.key` };
  // The certificate is written last: where it exists, so does its key.
  if (existsSync(files.certificate)) {
    try {
      const stored = { certificate: readFileSync(files.certificate, 'utf8'), key: readFileSync(files.key, 'utf8') };
      if (isGood(stored.certificate)) return stored;
    } catch (error) {
      throw new StandaloneError(`cannot read ${files.key}`, 'Restore it, or choose an empty directory with --data-dir.', {
        cause: error,
      });
    }
  }
  const created = await create();
  // Gone before the key is another.
  rmSync(files.certificate, { force: true });
  writeDurably(files.key, created.key);
  writeDurably(files.certificate, created.certificate);
  return created;
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

async function exportKey(key: CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

function importKey(key: string) {
  const [der] = x509.PemConverter.decode(key);
  if (der === undefined)
    throw new StandaloneError('pki/ca.key holds no private key', 'Restore it, or choose an empty directory.');
  return crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}
