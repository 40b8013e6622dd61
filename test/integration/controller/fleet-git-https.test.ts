import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fleetRepositories } from '../../../crds/resources.ts';
import { secrets } from '../../../kube/api/builtins.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { startControlPlane, type TestControlPlane } from '../../support/controller.ts';
import { eventually } from '../../support/eventually.ts';
import { lacks } from '../../support/git/available.ts';
import { type GitHost, startGitHost } from '../../support/git/https-host.ts';
import { TestRepository } from '../../support/git/repository.ts';

const signal = new AbortController().signal;

describe.skipIf(lacks('git') || lacks('openssl'))('a fleet on a Git host over https', () => {
  let plane: TestControlPlane;
  let remote: TestRepository;
  let host: GitHost;
  const declare = async (name: string, data: Record<string, string>, url = host.url) => {
    const encoded = Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]));
    const write = { signal, fieldManager: 'test' };
    await plane.client.apply(secrets, { metadata: { namespace: 'default', name }, data: encoded }, write);
    await plane.client.apply(
      fleetRepositories,
      { metadata: { namespace: 'default', name }, spec: { url, secretName: name } },
      write,
    );
  };
  const ready = async (name: string) => {
    const { status } = await plane.client.get(fleetRepositories, { namespace: 'default', name }, { signal });
    return findCondition(status?.conditions, 'Ready');
  };

  beforeAll(async () => {
    remote = await TestRepository.create();
    await remote.commit({ 'a.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: { name: factory }\n' });
    host = await startGitHost(remote.directory, 'right-token');
    plane = await startControlPlane();
  });
  afterAll(async () => {
    await plane.close();
    await host.close();
    await remote.remove();
  });

  it('is let in by a token, and trusts the CA of the Secret', async () => {
    await declare('good', { token: 'right-token', 'ca.crt': host.certificateAuthority });
    await eventually(async () =>
      expect(await ready('good')).toMatchObject({ status: 'True', reason: 'ReconciliationSucceeded' }),
    );
  });

  it.each([
    ['a wrong token', { token: 'wrong-token' }, 'AuthenticationFailed', 'does not let us in: correct the credentials'],
    ['an empty Secret', {}, 'AuthenticationFailed', 'has neither "token" nor "username" and "password"'],
  ])('with %s says so without repeating it', async (what, data: Record<string, string>, reason, says) => {
    const name = what.replaceAll(' ', '-').toLowerCase();
    await declare(name, Object.keys(data).length === 0 ? data : { ...data, 'ca.crt': host.certificateAuthority });
    const condition = await eventually(async () => {
      const found = await ready(name);
      expect(found).toMatchObject({ status: 'False', reason });
      return found;
    });
    expect(condition?.message).toContain(says);
    expect(condition?.message).not.toContain('wrong-token');
  });

  it('is not spoken to when its certificate is not trusted', async () => {
    await declare('untrusted', { token: 'right-token' });
    await eventually(async () =>
      expect((await ready('untrusted'))?.message).toContain('is not trusted: put its CA into "ca.crt"'),
    );
  });

  it('is never a file of the controller on a cluster', async () => {
    await declare('local', { token: 'x' }, remote.url);
    await eventually(async () => expect(await ready('local')).toMatchObject({ status: 'False', reason: 'SourceNotAllowed' }));
  });
});
