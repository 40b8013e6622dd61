// Finds out how to reach the API server: a kubeconfig file, or the service account that a pod carries.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { env } from 'node:process';
import { parse } from 'yaml';
import { toError } from './api-error.ts';
import type { Connection } from './connection.ts';
import { execCredentials } from './exec-credentials.ts';
import { urlHost } from './url-host.ts';

export type { Connection } from './connection.ts';

interface Cluster {
  server?: string;
  'certificate-authority'?: string;
  'certificate-authority-data'?: string;
  'insecure-skip-tls-verify'?: boolean;
  'tls-server-name'?: string;
  'proxy-url'?: string;
}

interface User {
  'client-certificate'?: string;
  'client-certificate-data'?: string;
  'client-key'?: string;
  'client-key-data'?: string;
  token?: string;
  tokenFile?: string;
  username?: string;
  exec?: Record<string, unknown>;
  'auth-provider'?: { name?: string };
}

interface Kubeconfig {
  'current-context'?: string;
  clusters?: { name: string; cluster?: Cluster }[];
  users?: { name: string; user?: User }[];
  contexts?: { name: string; context?: { cluster?: string; user?: string; namespace?: string } }[];
}

const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * `path`, else the first file of KUBECONFIG that exists, else ~/.kube/config, else the pod's service account.
 * Throws an Error that names the file and the field when something is missing.
 */
export async function loadKubeconfig(path?: string, context?: string): Promise<Connection> {
  const file = path ?? defaultPath();
  if (file !== undefined) return { ...(await readConnection(file, context)), refresh: () => loadKubeconfig(file, context) };
  if (existsSync(join(serviceAccount, 'token'))) return inCluster();
  throw new Error('no kubeconfig: set KUBECONFIG, write ~/.kube/config, or name a file with --kubeconfig');
}

/** The connection of a pod, from its projected service account. Token and authority rotate; both are read again when needed. */
export async function inCluster(directory = serviceAccount, environment: NodeJS.ProcessEnv = env): Promise<Connection> {
  const host = environment['KUBERNETES_SERVICE_HOST'];
  const port = environment['KUBERNETES_SERVICE_PORT'] ?? '443';
  if (host === undefined) {
    throw new Error(`${directory} exists but KUBERNETES_SERVICE_HOST is not set; is the pod's environment complete?`);
  }
  return {
    server: `https://${urlHost(host)}:${port}`,
    certificateAuthority: await readText(join(directory, 'ca.crt'), 'the service account'),
    token: tokenFrom(join(directory, 'token')),
    ...(existsSync(join(directory, 'namespace'))
      ? { namespace: (await readText(join(directory, 'namespace'), 'the service account')).trim() }
      : {}),
    refresh: () => inCluster(directory, environment),
  };
}

function defaultPath(): string | undefined {
  const listed = env['KUBECONFIG']?.split(delimiter).filter((entry) => entry !== '') ?? [];
  const first = listed.find((entry) => existsSync(entry));
  if (first !== undefined) return first;
  if (listed.length > 0) throw new Error(`KUBECONFIG names ${listed.join(', ')}, and no such file exists`);
  const home = join(homedir(), '.kube', 'config');
  return existsSync(home) ? home : undefined;
}

async function readConnection(file: string, contextName: string | undefined): Promise<Connection> {
  const text = await readText(file, 'the kubeconfig');
  const config = parseConfig(text, file);
  const name = contextName ?? config['current-context'];
  if (!name) throw new Error(`kubeconfig ${file}: no current-context; name one with --context`);
  const context = pick(file, 'context', name, config.contexts)?.context ?? {};
  const cluster = pick(file, 'cluster', context.cluster, config.clusters)?.cluster ?? {};
  const user = context.user ? (pick(file, 'user', context.user, config.users)?.user ?? {}) : {};
  const base = dirname(resolve(file));

  if (!cluster.server) throw new Error(`kubeconfig ${file}: cluster ${context.cluster} has no server`);
  if (cluster['proxy-url'])
    throw new Error(`kubeconfig ${file}: cluster ${context.cluster} sets proxy-url, which is not supported`);
  rejectOldAuthentication(file, context.user, user);

  const authority = await material(cluster, 'certificate-authority', base);
  const certificate = await material(user, 'client-certificate', base);
  const key = await material(user, 'client-key', base);
  return {
    server: cluster.server,
    ...(authority === undefined ? {} : { certificateAuthority: authority }),
    ...(cluster['insecure-skip-tls-verify'] === true ? { insecureSkipTlsVerify: true } : {}),
    ...(cluster['tls-server-name'] === undefined ? {} : { serverName: cluster['tls-server-name'] }),
    ...(certificate === undefined ? {} : { clientCertificate: certificate }),
    ...(key === undefined ? {} : { clientKey: key }),
    ...(context.namespace === undefined ? {} : { namespace: context.namespace }),
    ...tokenOf(user, base),
    ...(user.exec === undefined ? {} : await execCredentials(text, name)),
  };
}

function parseConfig(text: string, file: string): Kubeconfig {
  let parsed: unknown;
  try {
    parsed = parse(text);
  } catch (error) {
    throw new Error(`kubeconfig ${file} is not YAML: ${String(error)}`, { cause: error });
  }
  if (typeof parsed !== 'object' || parsed === null) throw new Error(`kubeconfig ${file} is empty`);
  return parsed;
}

function pick<T extends { name: string }>(
  file: string,
  what: string,
  name: string | undefined,
  entries: T[] | undefined,
): T | undefined {
  const found = entries?.find((entry) => entry.name === name);
  if (!found) throw new Error(`kubeconfig ${file}: no ${what} named ${JSON.stringify(name)}; there are ${names(entries)}`);
  return found;
}

function names(entries: { name: string }[] | undefined): string {
  return entries?.length ? entries.map((entry) => entry.name).join(', ') : 'none';
}

function rejectOldAuthentication(file: string, name: string | undefined, user: User): void {
  const provider = user['auth-provider']?.name;
  if (provider)
    throw new Error(`kubeconfig ${file}: user ${name} uses auth-provider ${provider}; Kubernetes replaced it by exec plugins`);
  if (user.username) throw new Error(`kubeconfig ${file}: user ${name} uses a password; Kubernetes 1.19 and later accept none`);
}

/** `<field>-data` (base64) wins over `<field>` (a file, relative to the kubeconfig), as with kubectl. */
async function material<F extends 'certificate-authority' | 'client-certificate' | 'client-key'>(
  holder: { [K in F | `${F}-data`]?: string },
  field: F,
  base: string,
): Promise<string | undefined> {
  const data = holder[`${field}-data`];
  if (data) return Buffer.from(data, 'base64').toString('utf8');
  const file = holder[field];
  return file ? readText(resolve(base, file), field) : undefined;
}

function tokenOf(user: User, base: string): Pick<Connection, 'token'> {
  const { token, tokenFile } = user;
  if (tokenFile) return { token: tokenFrom(resolve(base, tokenFile)) };
  return token ? { token: async () => token } : {};
}

/** Reads the file for every call: it is small, and a rotated token counts at once. */
function tokenFrom(file: string): () => Promise<string> {
  return async () => (await readText(file, 'the token')).trim();
}

async function readText(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new Error(`cannot read ${what} file ${file}: ${toError(error).message}`, {
      cause: error,
    });
  }
}
