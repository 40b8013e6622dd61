import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { inCluster, loadKubeconfig } from '../../../kube/api/kubeconfig.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jouleops-kubeconfig-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const base64 = (text: string) => Buffer.from(text).toString('base64');

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

function config(parts: { cluster?: object; user?: object; context?: object }): Promise<string> {
  const text = stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'main',
    clusters: [
      { name: 'c', cluster: { server: 'https://10.0.0.1:6443', ...parts.cluster } },
      { name: 'd', cluster: { server: 'https://10.0.0.2:6443' } },
    ],
    users: [{ name: 'u', user: parts.user ?? {} }],
    contexts: [
      { name: 'main', context: { cluster: 'c', user: 'u', ...parts.context } },
      { name: 'second', context: { cluster: 'd' } },
    ],
  });
  return write('config', text);
}

test('reads certificates and keys from the file itself or from files beside it', async () => {
  await write('key.pem', 'KEY');
  const path = await config({
    cluster: { 'certificate-authority-data': base64('CA'), 'tls-server-name': 'api' },
    user: { 'client-certificate-data': base64('CERT'), 'client-key': 'key.pem' },
    context: { namespace: 'team' },
  });
  expect(await loadKubeconfig(path)).toEqual({
    server: 'https://10.0.0.1:6443',
    certificateAuthority: 'CA',
    clientCertificate: 'CERT',
    clientKey: 'KEY',
    serverName: 'api',
    namespace: 'team',
    refresh: expect.any(Function),
  });
});

test('another context can be named', async () => {
  expect((await loadKubeconfig(await config({}), 'second')).server).toBe('https://10.0.0.2:6443');
});

test('a token file is read for every call, so a rotated token counts', async () => {
  await write('token', 'first\n');
  const connection = await loadKubeconfig(await config({ user: { tokenFile: 'token' } }));
  expect(await connection.token?.()).toBe('first');
  await write('token', 'second\n');
  expect(await connection.token?.()).toBe('second');
});

test('refresh reads everything again', async () => {
  const connection = await loadKubeconfig(await config({ cluster: { 'certificate-authority-data': base64('OLD') } }));
  await config({ cluster: { 'certificate-authority-data': base64('NEW') } });
  expect((await connection.refresh?.())?.certificateAuthority).toBe('NEW');
});

test('an exec plugin gives the token, again on refresh', async () => {
  const credential = (token: string) =>
    write(
      'credential.json',
      JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token } }),
    );
  const file = await credential('one');
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'cat', args: [file], interactiveMode: 'Never' };
  const connection = await loadKubeconfig(await config({ user: { exec } }));
  expect(await connection.token?.()).toBe('one');
  await credential('two');
  expect(await (await connection.refresh?.())?.token?.()).toBe('two');
});

test('a pod finds its service account', async () => {
  await write('token', 'pod-token');
  await write('ca.crt', 'CA');
  await write('namespace', 'system');
  const connection = await inCluster(folder, { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' });
  expect(connection).toMatchObject({ server: 'https://[fd00::1]:443', certificateAuthority: 'CA', namespace: 'system' });
  expect(await connection.token?.()).toBe('pod-token');
});

describe('a mistake is named with its file', () => {
  test.each([
    ['a context that is not there', {}, 'nope', 'no context named "nope"; there are main, second'],
    ['a cluster that is not there', { context: { cluster: 'gone' } }, undefined, 'no cluster named "gone"; there are c, d'],
    ['a missing key file', { user: { 'client-key': 'gone.pem' } }, undefined, 'cannot read client-key file'],
    ['a password', { user: { username: 'me', password: 'x' } }, undefined, 'uses a password'],
    ['an old provider', { user: { 'auth-provider': { name: 'gcp' } } }, undefined, 'auth-provider gcp'],
    ['a proxy', { cluster: { 'proxy-url': 'http://proxy' } }, undefined, 'proxy-url'],
    ['a plugin that fails', { user: { exec: { command: 'false' } } }, undefined, 'exec plugin failed'],
  ])('%s', async (_, parts, context, message) => {
    await expect(loadKubeconfig(await config(parts), context)).rejects.toThrow(message);
  });

  test('text that is not YAML, and a file that is not there', async () => {
    await expect(loadKubeconfig(await write('bad', 'a: [b'))).rejects.toThrow('bad is not YAML');
    await expect(loadKubeconfig(join(folder, 'none'))).rejects.toThrow('cannot read the kubeconfig file');
  });
});
