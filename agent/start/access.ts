// What protects the inference ports: plain text stays on loopback, every other address gets TLS and asks who is calling.
import { randomBytes, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Logger } from 'pino';
import type { Clock } from '../../kube/runtime/clock.ts';
import { makeDirectory, writeFileAtomic } from '../disk/atomic-file.ts';
import type { Access, TlsMaterial } from '../http/access.ts';
import { createSelfSignedCertificate } from '../http/self-signed-certificate.ts';
import { createDeviceKey } from '../identity/certificate-request.ts';
import type { AgentOptions } from '../options.ts';

type Options = Pick<
  AgentOptions,
  | 'name'
  | 'dataDirectory'
  | 'host'
  | 'insecureOpen'
  | 'advertisedUrl'
  | 'tls'
  | 'accessTokenFile'
  | 'clientAuthorityFile'
  | 'deploy'
>;

const loopback = new Set(['127.0.0.1', '::1', 'localhost']);
const dayMilliseconds = 86_400_000;
const validDays = 3650;
const renewBeforeDays = 30;
const minimumTokenLength = 16;

/** @throws Error that names the file or flag that is wrong, and says what to do */
export async function prepareAccess(options: Options, deps: { clock: Clock; logger: Logger }): Promise<Access> {
  const { host = '127.0.0.1', insecureOpen = false, deploy } = options;
  const guarded = !loopback.has(host) && !insecureOpen;
  const tls = options.tls
    ? await readMaterial(options.tls.certificateFile, options.tls.keyFile)
    : guarded
      ? await ownMaterial(options, deps)
      : undefined;
  if (options.clientAuthorityFile !== undefined && !tls)
    throw new Error(
      `--client-ca-file ${options.clientAuthorityFile} needs TLS: give --tls-cert-file and --tls-key-file, or an address that is not loopback`,
    );
  const clientAuthority =
    options.clientAuthorityFile === undefined ? undefined : await readAuthority(options.clientAuthorityFile);
  const token = await accessToken(options, guarded && clientAuthority === undefined, deps.logger);
  const limited = token !== undefined || clientAuthority !== undefined;
  if (tls) deps.logger.info({ host, fingerprint: tls.fingerprint }, 'inference is served over TLS');
  if (!loopback.has(host) && insecureOpen) deps.logger.warn({ host }, 'inference is open to everybody who reaches this address');
  return {
    // Scripts that may change what is served may ask it too.
    tokens: limited ? [token, deploy?.token].filter((one) => one !== undefined) : [],
    ...(tls === undefined ? {} : { tls }),
    ...(clientAuthority === undefined ? {} : { clientAuthority }),
  };
}

async function readMaterial(certificateFile: string, keyFile: string): Promise<TlsMaterial> {
  const [certificate, key] = [await readText('--tls-cert-file', certificateFile), await readText('--tls-key-file', keyFile)];
  try {
    createSecureContext({ cert: certificate, key });
  } catch (error) {
    throw new Error(
      `${certificateFile} and ${keyFile} are no certificate and its key: ${(error as Error).message}; give both in PEM`,
      { cause: error },
    );
  }
  return { certificate, key, fingerprint: new X509Certificate(certificate).fingerprint256 };
}

/** TLS itself takes any text for an authority, and then lets nobody in. */
async function readAuthority(file: string): Promise<string> {
  const authority = await readText('--client-ca-file', file);
  try {
    new X509Certificate(authority);
  } catch (error) {
    throw new Error(`--client-ca-file ${file} holds no certificate: ${(error as Error).message}; give the authority's, in PEM`, {
      cause: error,
    });
  }
  return authority;
}

/** Made on the first start, and again when it runs out or does not name the address any more. */
async function ownMaterial(options: Options, { clock, logger }: { clock: Clock; logger: Logger }): Promise<TlsMaterial> {
  const directory = path.join(options.dataDirectory, 'serving');
  const files = { certificate: path.join(directory, 'certificate.pem'), key: path.join(directory, 'key.pem') };
  const names = namesOf(options);
  const known = await readMaterial(files.certificate, files.key).catch(() => undefined);
  if (known && stillGood(known.certificate, names, clock.now())) return known;
  await makeDirectory(directory, undefined, 0o700);
  const key = createDeviceKey();
  const certificate = createSelfSignedCertificate({
    commonName: options.name,
    names,
    notBefore: new Date(clock.now() - dayMilliseconds),
    notAfter: new Date(clock.now() + validDays * dayMilliseconds),
    keyPem: key,
  });
  await writeFileAtomic(files.key, key, 0o600);
  await writeFileAtomic(files.certificate, certificate);
  const { fingerprint256: fingerprint } = new X509Certificate(certificate);
  logger.info(
    { fingerprint, file: files.certificate, names },
    known
      ? 'the certificate of the inference port was made anew'
      : 'a certificate was made for the inference port: give it to clients to trust',
  );
  return { certificate, key, fingerprint };
}

function stillGood(pem: string, names: readonly string[], now: number): boolean {
  const certificate = new X509Certificate(pem);
  if (Date.parse(certificate.validTo) - now < renewBeforeDays * dayMilliseconds) return false;
  return names.every((name) => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined);
}

/** What clients may reach the port under. An address of all interfaces stands for the names that do not change with the network. */
function namesOf({ name, host = '127.0.0.1', advertisedUrl }: Options): string[] {
  const advertised = advertisedUrl === undefined ? [] : [new URL(advertisedUrl).hostname.replace(/^\[|\]$/g, '')];
  const all = host === '0.0.0.0' || host === '::';
  const named = all ? [os.hostname(), ...stableAddresses()] : [host];
  return [...new Set([...advertised, ...named, name, 'localhost', '127.0.0.1'])].filter(
    (one) => isIP(one) !== 0 || /^[A-Za-z0-9.-]{1,253}$/.test(one),
  );
}

function stableAddresses(): string[] {
  const addresses = Object.values(os.networkInterfaces()).flatMap((list) => list ?? []);
  return addresses
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address)
    .slice(0, 16);
}

/** From a file, or where one is needed a token of the agent's own, kept in its data directory. */
async function accessToken(
  { accessTokenFile, dataDirectory }: Options,
  needed: boolean,
  logger: Logger,
): Promise<string | undefined> {
  if (accessTokenFile !== undefined) {
    const token = (await readText('--access-token-file', accessTokenFile)).trim();
    if (token.length >= minimumTokenLength) return token;
    throw new Error(
      `--access-token-file ${accessTokenFile} holds ${token.length} characters; a token needs ${minimumTokenLength} or more`,
    );
  }
  if (!needed) return undefined;
  const file = path.join(dataDirectory, 'access-token');
  const known = await readFile(file, 'utf8').then(
    (text) => text.trim(),
    () => '',
  );
  if (known.length >= minimumTokenLength) return known;
  const token = randomBytes(32).toString('base64url');
  await writeFileAtomic(file, `${token}\n`, 0o600);
  logger.info({ file }, 'a token was made for the inference port: clients send it as "Authorization: Bearer TOKEN"');
  return token;
}

async function readText(flag: string, file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: Error) => {
    throw new Error(`${flag} ${file}: ${error.message}`, { cause: error });
  });
}
