// A fleet on a real cluster, applied as a service account, with the rules of docs/delivery.md and no others.
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { RunningController } from '../../../controller/run.ts';
import { fleetRepositories, modelDeployments } from '../../../crds/resources.ts';
import { isNotFound } from '../../../kube/api/api-error.ts';
import { namespaces, secrets } from '../../../kube/api/builtins.ts';
import type { KubeObject } from '../../../kube/api/objects.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { sharedControlPlane } from '../../support/control-plane/shared.ts';
import { eventually } from '../../support/eventually.ts';
import { lacks } from '../../support/git/available.ts';
import { type GitHost, startGitHost } from '../../support/git/https-host.ts';
import { TestRepository } from '../../support/git/repository.ts';
import { type InstalledCluster, startInstalledCluster } from '../../support/installation/installed-cluster.ts';
import { applyManifests, resourceOf } from '../../support/installation/manifests.ts';
import { deploymentYaml } from '../../support/plan/fleet-files.ts';

const signal = AbortSignal.timeout(300_000);
const factory = 'factory';
const hookKey = 'a shared secret';
const fleetAccount = 'system:serviceaccount:factory:fleet';

describe.skipIf(sharedControlPlane() === undefined || lacks('git') || lacks('openssl'))(
  'a fleet applied as a service account',
  () => {
    let cluster: InstalledCluster;
    let controller: RunningController & { stop(): Promise<void> };
    let remote: TestRepository;
    let host: GitHost;
    let rules: { file: string; object: KubeObject }[];
    let asked = 0;

    const declare = (name: string, spec: object = {}) =>
      cluster.admin.apply(
        fleetRepositories,
        {
          metadata: { namespace: factory, name },
          spec: {
            url: host.url,
            secretName: 'fleet-git',
            webhookSecretName: 'fleet-webhook',
            intervalSeconds: 3600,
            prune: true,
            ...spec,
          },
        },
        { signal, fieldManager: 'person' },
      );
    const get = (name: string) => cluster.admin.get(fleetRepositories, { namespace: factory, name }, { signal });
    const reconciled = async (name: string) => {
      const value = `ask-${++asked}`;
      await cluster.admin.patch(
        fleetRepositories,
        { namespace: factory, name },
        { kind: 'merge', body: { metadata: { annotations: { 'jouleops.dev/requestedAt': value } } } },
        { signal, fieldManager: 'person' },
      );
      return eventually(async () => {
        const found = await get(name);
        expect(found.status?.lastHandledReconcileAt).toBe(value);
        return found;
      }, 20);
    };
    const deployment = (name: string, namespace = factory) =>
      cluster.admin.get(modelDeployments, { namespace, name }, { signal });

    beforeAll(async () => {
      remote = await TestRepository.create();
      await remote.commit({ 'cell.yaml': deploymentYaml('cell') });
      host = await startGitHost(remote.directory, 'right-token');
      cluster = await startInstalledCluster();
      for (const name of [factory, 'elsewhere'])
        await cluster.admin.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { signal });
      const text = (data: Record<string, string>) =>
        Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
      const given = {
        'fleet-git': { token: 'right-token', 'ca.crt': host.certificateAuthority },
        'fleet-webhook': { token: hookKey },
      };
      for (const [name, data] of Object.entries(given))
        await cluster.admin.apply(
          secrets,
          { metadata: { namespace: factory, name }, data: text(data) },
          { signal, fieldManager: 'person' },
        );
      rules = await readDocumentedRules();
      controller = await cluster.startController();
    });
    afterAll(async () => {
      await controller.stop();
      await cluster.stop();
      await host.close();
      await remote.remove();
    });

    it('is not applied, and its Secret not read, before the controller may act as that account', async () => {
      await declare('early', { serviceAccountName: 'fleet' });
      await eventually(async () => {
        const ready = findCondition((await get('early')).status?.conditions, 'Ready');
        expect(ready).toMatchObject({ status: 'False', reason: 'AuthenticationFailed' });
        expect(ready?.message).toMatch(
          /jouleops-controller" cannot impersonate.*: let the controller act as spec\.serviceAccountName/,
        );
      }, 20);
      await cluster.admin.delete(fleetRepositories, { namespace: factory, name: 'early' }, { signal });
    });

    it('is applied with the rules of the documentation, as that account', async () => {
      await applyManifests(cluster.admin, rules, signal);
      await declare('fleet', { serviceAccountName: 'fleet' });
      const sha = await remote.git('rev-parse', 'HEAD');
      await eventually(async () => expect((await get('fleet')).status?.lastAppliedRevision).toBe(`main@sha1:${sha}`), 30);
      expect((await deployment('cell')).metadata.managedFields?.map(({ manager }) => manager)).toContain('jouleops-fleet');
      const writes = (await cluster.auditLog()).filter(
        ({ objectRef, verb }) =>
          objectRef?.resource === 'modeldeployments' && objectRef.subresource === undefined && verb === 'patch',
      );
      expect(writes.length).toBeGreaterThan(0);
      for (const { impersonatedUser } of writes) expect(impersonatedUser?.username).toBe(fleetAccount);
    });

    it('is refused what the account may not do, object by object, and the rest is applied', async () => {
      await remote.commit({
        'cell.yaml': deploymentYaml('cell', { budget: '11mJ' }),
        'namespace.yaml': '# cluster-wide\napiVersion: v1\nkind: Namespace\nmetadata: { name: more }\n',
        'elsewhere.yaml': deploymentYaml('cell').replace('namespace: factory', 'namespace: elsewhere'),
        'secret.yaml': 'apiVersion: v1\nkind: Secret\nmetadata: { name: stolen, namespace: factory }\n',
      });
      const { status } = await reconciled('fleet');
      const messages = Object.fromEntries((status?.errors ?? []).map(({ file, line, message }) => [file, `${line}: ${message}`]));
      expect(Object.keys(messages).sort()).toEqual(['elsewhere.yaml', 'namespace.yaml', 'secret.yaml']);
      expect(messages['namespace.yaml']).toMatch(
        /^2: Namespace more: .*User "system:serviceaccount:factory:fleet" cannot patch resource "namespaces".*: give that account the right/,
      );
      expect(messages['elsewhere.yaml']).toContain(
        'cannot patch resource "modeldeployments" in API group "jouleops.dev" in the namespace "elsewhere"',
      );
      expect(messages['secret.yaml']).toContain('Secret is not allowed here: add it to spec.kinds');
      expect((await deployment('cell')).spec.budget.energyPerInference).toBe('11mJ');
      await expect(deployment('cell', 'elsewhere')).rejects.toSatisfy(isNotFound);
    });

    it('prunes as that account', async () => {
      await remote.git('rm', '--quiet', 'namespace.yaml', 'elsewhere.yaml', 'secret.yaml');
      await remote.commit({ 'other.yaml': deploymentYaml('other') });
      await reconciled('fleet');
      expect((await deployment('other')).metadata.name).toBe('other');
      await remote.git('rm', '--quiet', 'other.yaml');
      await remote.commit();
      await reconciled('fleet');
      await expect(deployment('other')).rejects.toSatisfy(isNotFound);
    });

    it('hears of a push by its webhook', async () => {
      const sha = await remote.commit({ 'cell.yaml': deploymentYaml('cell', { budget: '12mJ' }) });
      const body = JSON.stringify({ after: sha });
      const started = performance.now();
      const answer = await fetch(`${controller.webUrl}/hooks/git/factory/fleet`, {
        method: 'POST',
        headers: { 'x-hub-signature-256': `sha256=${createHmac('sha256', hookKey).update(body).digest('hex')}` },
        body,
      });
      expect(answer.status).toBe(202);
      await eventually(async () => expect((await get('fleet')).status?.lastAppliedRevision).toBe(`main@sha1:${sha}`), 20);
      const milliseconds = performance.now() - started;
      process.stdout.write(`on a real cluster over https: from push to applied in ${Math.round(milliseconds)} ms\n`);
    });

    it('without an account has the rights of the controller, which are none here', async () => {
      await declare('as-controller');
      const ready = await eventually(async () => {
        const found = findCondition((await get('as-controller')).status?.conditions, 'Ready');
        expect(found?.status).toBe('False');
        return found;
      }, 20);
      expect(ready?.message).toMatch(
        /jouleops-controller" cannot get resource "secrets".*: give that account the right, or set spec\.serviceAccountName/,
      );
    });

    it('stays as it is when its rights are taken away', async () => {
      const binding = rules.find(
        ({ object }) => object.kind === 'RoleBinding' && object.metadata.name === 'act-as-fleet',
      )?.object;
      if (!binding) throw new Error('the documentation has no RoleBinding act-as-fleet');
      await cluster.admin.delete(resourceOf(binding), { namespace: factory, name: 'act-as-fleet' }, { signal });
      const before = (await get('fleet')).status;
      await remote.git('rm', '--quiet', 'cell.yaml');
      await remote.commit();
      await eventually(async () => {
        const { status } = await reconciled('fleet');
        expect(findCondition(status?.conditions, 'Ready')?.status).toBe('False');
      }, 30);
      expect((await get('fleet')).status?.inventory).toEqual(before?.inventory);
      expect((await deployment('cell')).metadata.name).toBe('cell');
    });
  },
);

/** The YAML of "Who applies". */
async function readDocumentedRules(): Promise<{ file: string; object: KubeObject }[]> {
  const file = 'docs/delivery.md';
  const page = await readFile(new URL(`../../../${file}`, import.meta.url), 'utf8');
  const section = page.slice(page.indexOf('## Who applies'));
  const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(section) ?? [];
  return parseAllDocuments(yaml).map((document) => ({ file, object: document.toJS() as KubeObject }));
}
