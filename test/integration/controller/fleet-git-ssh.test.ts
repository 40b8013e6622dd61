// A fleet over ssh: the real sshd, a deploy key and known hosts in a Secret.
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fleetRepositories } from '../../../crds/resources.ts';
import { namespaces, secrets } from '../../../kube/api/builtins.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { startControlPlane, type TestControlPlane } from '../../support/controller.ts';
import { eventually } from '../../support/eventually.ts';
import { lacks } from '../../support/git/available.ts';
import { TestRepository } from '../../support/git/repository.ts';
import { type SshHost, startSshHost } from '../../support/git/ssh-host.ts';

const signal = new AbortController().signal;
const namespaceFile = (name: string) => `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${name} }\n`;

describe.skipIf(lacks('git') || lacks('sshd'))('a fleet on a Git host over ssh', () => {
  let plane: TestControlPlane;
  let remote: TestRepository;
  let host: SshHost;
  const declare = async (name: string, data: Record<string, string>, url = host.urlOf(remote.directory)) => {
    const encoded = Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]));
    const write = { signal, fieldManager: 'test' };
    await plane.client.apply(secrets, { metadata: { namespace: 'default', name }, data: encoded }, write);
    await plane.client.apply(
      fleetRepositories,
      { metadata: { namespace: 'default', name }, spec: { url, secretName: name, intervalSeconds: 3600 } },
      write,
    );
  };
  const get = (name: string) => plane.client.get(fleetRepositories, { namespace: 'default', name }, { signal });
  const ready = async (name: string) => findCondition((await get(name)).status?.conditions, 'Ready');
  const right = () => ({ identity: host.deployKey, known_hosts: host.knownHosts });

  beforeAll(async () => {
    remote = await TestRepository.create();
    await remote.commit({ 'a.yaml': namespaceFile('by-ssh') });
    host = await startSshHost();
    plane = await startControlPlane();
  });
  afterAll(async () => {
    await plane.close();
    await host.close();
    await remote.remove();
  });

  it('is let in by its deploy key, once the host has proved to be the known one', async () => {
    await declare('good', right());
    const sha = await remote.git('rev-parse', 'HEAD');
    await eventually(async () => expect((await get('good')).status?.lastAppliedRevision).toBe(`main@sha1:${sha}`), 20);
    expect((await plane.client.get(namespaces, { name: 'by-ssh' }, { signal })).metadata.name).toBe('by-ssh');
  });

  it.each([
    [
      'strange',
      'a key that nobody let in',
      () => ({ ...right(), identity: host.strangeKey }),
      'does not let us in: correct the credentials',
    ],
    [
      'impostor',
      'another host key than the known one',
      () => ({ ...right(), known_hosts: host.wrongKnownHosts }),
      'is not the one in "known_hosts"',
    ],
    ['unknown', 'no known host', () => ({ identity: host.deployKey }), 'lacks "known_hosts": run ssh-keyscan HOST'],
    ['keyless', 'no key', () => ({ known_hosts: host.knownHosts }), 'lacks "identity", a private key'],
  ])('%s: with %s it says so, and applies nothing', async (name, _, data, says) => {
    await declare(name, data());
    const condition = await eventually(async () => {
      const found = await ready(name);
      expect(found).toMatchObject({ status: 'False', reason: 'AuthenticationFailed' });
      return found;
    }, 20);
    expect(condition?.message).toContain(says);
    expect(condition?.message).not.toContain('PRIVATE KEY');
  });

  it('is not held up by hosts that take the call and say nothing', async () => {
    const calls = new Set<Socket>();
    const silent = createServer((socket) => calls.add(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      for (const name of ['slow-1', 'slow-2', 'slow-3'])
        await declare(name, { ...right() }, `ssh://git@127.0.0.1:${port}/fleet.git`);
      // All three are being asked now.
      await eventually(() => expect(calls.size).toBeGreaterThanOrEqual(3), 20);
      const sha = await remote.commit({ 'a.yaml': namespaceFile('by-ssh-2') });
      const started = performance.now();
      await plane.client.patch(
        fleetRepositories,
        { namespace: 'default', name: 'good' },
        { kind: 'merge', body: { metadata: { annotations: { 'jouleops.dev/requestedAt': 'now' } } } },
        { signal, fieldManager: 'test' },
      );
      await eventually(async () => expect((await get('good')).status?.lastAppliedRevision).toBe(`main@sha1:${sha}`), 20);
      const milliseconds = performance.now() - started;
      process.stdout.write(`beside three silent hosts: applied in ${Math.round(milliseconds)} ms\n`);
      expect(milliseconds).toBeLessThan(10_000);
      expect(await ready('slow-1')).toBeUndefined();
    } finally {
      for (const name of ['slow-1', 'slow-2', 'slow-3'])
        await plane.client.delete(fleetRepositories, { namespace: 'default', name }, { signal });
      for (const call of calls) call.destroy();
      await new Promise((resolve) => silent.close(resolve));
    }
  }, 60_000);

  it('has its metrics while it is there, and none when it is gone', async () => {
    const scrape = async () => (await fetch(`${plane.controller.webUrl}/metrics`)).text();
    expect(await scrape()).toMatch(/^jouleops_git_sync_timestamp_seconds\{namespace="default",repository="good"\} \d{10}/m);
    expect(await scrape()).toMatch(/^jouleops_git_sync_errors_total\{namespace="default",repository="strange"\} [1-9]/m);
    await plane.client.delete(fleetRepositories, { namespace: 'default', name: 'strange' }, { signal });
    await eventually(async () => expect(await scrape()).not.toContain('repository="strange"'));
  });
});
