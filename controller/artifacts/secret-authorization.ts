// What an Authorization header carries, out of the Secret that a source names.
import type { Secret } from '../../kube/api/builtins.ts';
import { ArtifactError } from './artifact-error.ts';

/** For messages about a Secret. */
export const secretForms =
  '"token", "username" and "password", or ".dockerconfigjson" as "kubectl create secret docker-registry" makes it';

/**
 * `token` makes a bearer token; `username` and `password`, or the entry of the source's host in `.dockerconfigjson`, basic credentials.
 * @param uri of the source: its host chooses the entry
 * @throws ArtifactError that names the Secret and what it lacks
 */
export function authorizationIn(secret: Secret, name: string, uri: string): string {
  const field = (key: string) =>
    secret.data?.[key] === undefined ? undefined : Buffer.from(secret.data[key], 'base64').toString('utf8').trim();
  const token = field('token');
  if (token !== undefined) return `Bearer ${token}`;
  const [username, password] = [field('username'), field('password')];
  if (username !== undefined && password !== undefined) return basic(username, password);
  const config = field('.dockerconfigjson');
  if (config !== undefined) return fromDockerConfig(config, name, hostOf(uri));
  throw new ArtifactError('SourceUnavailable', `Secret ${name} has none of ${secretForms}`);
}

interface DockerEntry {
  auth?: unknown;
  username?: unknown;
  password?: unknown;
}

function fromDockerConfig(text: string, name: string, host: string): string {
  const wrong = (message: string) => new ArtifactError('SourceUnavailable', `.dockerconfigjson of Secret ${name} ${message}`);
  let auths: Record<string, DockerEntry>;
  try {
    auths = (JSON.parse(text) as { auths?: Record<string, DockerEntry> }).auths ?? {};
  } catch {
    // The parser's message would quote what is secret.
    throw wrong('is not JSON: make it again with "kubectl create secret docker-registry"');
  }
  // Docker writes some hosts as addresses: https://index.docker.io/v1/.
  const known = Object.entries(auths).find(([server]) => server.replace(/^https?:\/\//, '').split('/')[0] === host)?.[1];
  if (!known) throw wrong(`has no entry for ${host}; it has ${Object.keys(auths).join(', ') || 'none'}`);
  if (typeof known.auth === 'string') return `Basic ${known.auth}`;
  if (typeof known.username === 'string' && typeof known.password === 'string') return basic(known.username, known.password);
  throw wrong(`has neither "auth" nor "username" and "password" for ${host}`);
}

const basic = (username: string, password: string) => `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

function hostOf(uri: string): string {
  return /^\w+:\/\/([^/]+)/.exec(uri)?.[1] ?? '';
}
