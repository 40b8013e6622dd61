// A registry as a person's own command line reaches it: any host, credentials as given or as Docker keeps them.
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createHttpsOrigin, type HttpsOrigin } from '../../controller/artifacts/https-origin.ts';
import { parseReference, type RegistryReference } from '../../controller/artifacts/registry/reference.ts';
import { RegistryClient } from '../../controller/artifacts/registry/registry-client.ts';
import { CommandError, usageError } from '../exit-codes.ts';

export interface RegistryFlags {
  username?: string;
  passwordFile?: string;
  ca?: string;
}

export interface OpenRegistry extends AsyncDisposable {
  client: RegistryClient;
  reference: RegistryReference;
}

export async function openRegistry(uri: string, flags: RegistryFlags, signal: AbortSignal): Promise<OpenRegistry> {
  const reference = parseReference(uri);
  const certificateAuthority = flags.ca === undefined ? undefined : await readGiven('--ca', flags.ca);
  const https: HttpsOrigin = createHttpsOrigin({
    allowedHosts: 'any',
    allowPrivateAddresses: true,
    ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
  });
  const source = { uri, maximumBytes: Number.MAX_SAFE_INTEGER, signal };
  const credentials = await credentialsOf(reference.host, flags);
  const client = new RegistryClient(reference.host, (order) => https.follow(source, order), credentials);
  return { client, reference, [Symbol.asyncDispose]: () => https.close() };
}

async function credentialsOf(host: string, flags: RegistryFlags): Promise<string | undefined> {
  const { username, passwordFile } = flags;
  if ((username === undefined) !== (passwordFile === undefined))
    throw usageError('--username and --password-file go together', 'give both, or log in with "docker login"');
  if (username !== undefined && passwordFile !== undefined) {
    const password = (await readGiven('--password-file', passwordFile)).trim();
    return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }
  const file = join(process.env['DOCKER_CONFIG'] ?? join(homedir(), '.docker'), 'config.json');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const auth = authIn(file, text, host);
  return auth === undefined ? undefined : `Basic ${auth}`;
}

async function readGiven(flag: string, file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw usageError(`${flag} ${file}: ${(error as Error).message}`, 'name a file that can be read', error);
  });
}

function authIn(file: string, text: string, host: string): string | undefined {
  try {
    const { auths } = JSON.parse(text) as { auths?: Record<string, { auth?: string }> };
    return auths?.[host]?.auth;
  } catch (error) {
    throw new CommandError(`${file} is not JSON: ${(error as Error).message}`, 'log in again with "docker login"', {
      cause: error,
    });
  }
}
