// From a Secret to what git needs to be let in: a header for https, a key and known hosts for ssh.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Secret } from '../../../../kube/api/builtins.ts';
import { SourceError } from '../source.ts';
import type { GitAccess } from './environment.ts';

/** @param home a directory that only this process reads; keys are written there and replaced at each call */
export async function prepareAccess(
  url: string,
  secret: Secret | undefined,
  options: { home: string; allowFiles: boolean; timeoutSeconds: number },
): Promise<GitAccess> {
  const { protocol } = new URL(url);
  if (protocol === 'file:') return { settings: [], allowFiles: options.allowFiles };
  if (protocol === 'ssh:')
    return { settings: [], allowFiles: false, sshCommand: await prepareSsh(secret, options.home, options.timeoutSeconds) };
  return { settings: await prepareHttps(url, secret, options.home), allowFiles: false };
}

/** `token`, or `username` and `password`; `ca.crt` for a host with a CA of its own. */
async function prepareHttps(url: string, secret: Secret | undefined, home: string): Promise<[string, string][]> {
  if (!secret) return [];
  const origin = new URL(url).origin;
  const [token, username, password] = [read(secret, 'token'), read(secret, 'username'), read(secret, 'password')];
  const authority = read(secret, 'ca.crt');
  // Every large host takes a token as the password of any user; GitHub wants a name that is not empty.
  const basic = token === undefined ? password && `${username ?? 'git'}:${password}` : `${username ?? 'x-access-token'}:${token}`;
  if (basic === undefined && authority === undefined)
    throw new SourceError('AuthenticationFailed', `${describe(secret)} has neither "token" nor "username" and "password"`);
  const settings: [string, string][] = [];
  if (basic !== undefined)
    settings.push([`http.${origin}/.extraHeader`, `Authorization: Basic ${Buffer.from(basic).toString('base64')}`]);
  if (authority !== undefined) {
    const file = path.join(home, 'ca.crt');
    await writeFile(file, `${authority}\n`, { mode: 0o600 });
    settings.push(['http.sslCAInfo', file]);
  }
  return settings;
}

/** `identity` (a private key without a passphrase) and `known_hosts`: a host that is not in it is not talked to. */
async function prepareSsh(secret: Secret | undefined, home: string, timeoutSeconds: number): Promise<string> {
  if (!secret)
    throw new SourceError(
      'AuthenticationFailed',
      'ssh needs spec.secretName: a Secret with "identity", a private key, and "known_hosts", from ssh-keyscan',
      { permanent: true },
    );
  const [identity, knownHosts] = [read(secret, 'identity'), read(secret, 'known_hosts')];
  if (identity === undefined || knownHosts === undefined)
    throw new SourceError(
      'AuthenticationFailed',
      `${describe(secret)} lacks ${identity === undefined ? '"identity", a private key' : '"known_hosts": run ssh-keyscan HOST'}`,
    );
  const [key, hosts] = [path.join(home, 'identity'), path.join(home, 'known_hosts')];
  await writeFile(key, `${identity}\n`, { mode: 0o600 });
  await writeFile(hosts, `${knownHosts}\n`, { mode: 0o600 });
  const options = [
    'IdentitiesOnly=yes',
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile=${hosts}`,
    'GlobalKnownHostsFile=/dev/null',
    'UpdateHostKeys=no',
    'ClearAllForwardings=yes',
    'ControlPath=none',
    `ConnectTimeout=${timeoutSeconds}`,
    'ServerAliveInterval=10',
    'ServerAliveCountMax=3',
  ];
  return ['ssh', '-F', 'none', '-i', quote(key), ...options.flatMap((option) => ['-o', quote(option)])].join(' ');
}

/** Git gives this line to a shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function read(secret: Secret, key: string): string | undefined {
  const encoded = secret.data?.[key];
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8').trim();
  return text === '' ? undefined : text;
}

function describe({ metadata }: Secret): string {
  return `Secret ${metadata.namespace}/${metadata.name}`;
}
