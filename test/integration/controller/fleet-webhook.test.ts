import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fleetRepositories } from '../../../crds/resources.ts';
import { secrets } from '../../../kube/api/builtins.ts';
import { startControlPlane, type TestControlPlane } from '../../support/controller.ts';
import { eventually } from '../../support/eventually.ts';
import { lacks } from '../../support/git/available.ts';
import { TestRepository } from '../../support/git/repository.ts';

const signal = new AbortController().signal;
const key = 'a shared secret';
const sign = (body: string, by = key) => createHmac('sha256', by).update(body).digest('hex');

describe.skipIf(lacks('git'))('a webhook', () => {
  let plane: TestControlPlane;
  let remote: TestRepository;
  const fleet = { namespace: 'default', name: 'fleet' };
  const repository = () => plane.client.get(fleetRepositories, fleet, { signal });
  const post = (headers: Record<string, string>, body: string, name = 'fleet') =>
    fetch(`${plane.controller.webUrl}/hooks/git/default/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });

  beforeAll(async () => {
    remote = await TestRepository.create();
    await remote.commit({ 'a.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: { name: factory }\n' });
    plane = await startControlPlane({ fleet: { allowPaths: true } });
    await plane.client.apply(
      secrets,
      { metadata: { namespace: 'default', name: 'hook' }, data: { token: Buffer.from(key).toString('base64') } },
      { signal, fieldManager: 'test' },
    );
    await plane.client.apply(
      fleetRepositories,
      { metadata: fleet, spec: { url: remote.url, intervalSeconds: 3600, webhookSecretName: 'hook' } },
      { signal, fieldManager: 'test' },
    );
    await eventually(async () => expect((await repository()).status?.lastAppliedRevision).toBeDefined());
  });
  afterAll(async () => {
    await plane.close();
    await remote.remove();
  });

  it.each([
    ['GitHub', (body: string) => ({ 'x-hub-signature-256': `sha256=${sign(body)}` })],
    ['Gitea', (body: string) => ({ 'x-gitea-signature': sign(body) })],
    ['Forgejo', (body: string) => ({ 'x-forgejo-signature': sign(body) })],
    ['GitLab', () => ({ 'x-gitlab-token': key })],
  ])('of %s brings a push to the fleet at once', async (host, headers) => {
    const sha = await remote.commit({
      'a.yaml': `apiVersion: v1\nkind: Namespace\nmetadata: { name: factory-${host.toLowerCase()} }\n`,
    });
    const body = JSON.stringify({ ref: 'refs/heads/main', after: sha });
    const started = performance.now();
    expect((await post(headers(body), body)).status).toBe(202);
    await eventually(async () => expect((await repository()).status?.lastAppliedRevision).toBe(`main@sha1:${sha}`));
    process.stdout.write(`${host}: from push to applied in ${Math.round(performance.now() - started)} ms\n`);
  });

  it.each([
    ['the signature of another key', { 'x-hub-signature-256': `sha256=${sign('{}', 'other')}` }],
    ['the signature of another body', { 'x-gitea-signature': sign('{ }') }],
    ['a wrong token', { 'x-gitlab-token': 'guess' }],
    ['no signature', {}],
  ])('with %s is refused and changes nothing', async (_, headers: Record<string, string>) => {
    const before = (await repository()).metadata.resourceVersion;
    const answer = await post(headers, '{}');
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ error: 'there is no such fleet, or the signature is wrong' });
    expect((await repository()).metadata.resourceVersion).toBe(before);
  });

  it('that is said again has the fleet looked at again, and changes nothing else', async () => {
    const body = '{}';
    const before = await repository();
    expect((await post({ 'x-hub-signature-256': `sha256=${sign(body)}` }, body)).status).toBe(202);
    await eventually(async () =>
      expect((await repository()).status?.lastHandledReconcileAt).not.toBe(before.status?.lastHandledReconcileAt),
    );
    const after = await repository();
    expect(after.spec).toEqual(before.spec);
    expect(after.status?.inventory).toEqual(before.status?.inventory);
  });

  it('with a body that is too large is answered so, and is none of the errors of the controller', async () => {
    const answer = await post({ 'x-gitlab-token': key }, 'x'.repeat(5 * 2 ** 20 + 1));
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ next: 'send a smaller body' });
  });

  it('for a fleet that there is not is refused in the same words', async () => {
    const answer = await post({ 'x-gitlab-token': key }, '{}', 'nothing');
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ error: 'there is no such fleet, or the signature is wrong' });
  });
});
