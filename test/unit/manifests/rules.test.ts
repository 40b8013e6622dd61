import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { manifestsFolder, readKustomization } from '../../support/installation/manifests.ts';
import { compareRules, type Permission, permissionsOf } from '../../support/installation/rules.ts';

const install = (await readKustomization(path.join(manifestsFolder, 'install'))).map(({ object }) => object);
const controller = { kind: 'ServiceAccount', name: 'jouleops-controller', namespace: 'jouleops-system' } as const;
const devices = { kind: 'Group', name: 'jouleops:devices' } as const;

describe('the rules in the manifests', () => {
  it('give the controller no Secret but its own two, by name, and only in its namespace', () => {
    const secrets = permissionsOf(install, controller).filter(({ resource }) => resource === 'secrets');
    expect(secrets).toEqual([
      { namespace: 'jouleops-system', group: '', resource: 'secrets', verb: 'create' },
      { namespace: 'jouleops-system', group: '', resource: 'secrets', verb: 'get', name: 'jouleops-device-port-ca' },
      { namespace: 'jouleops-system', group: '', resource: 'secrets', verb: 'get', name: 'jouleops-join-tokens' },
    ]);
  });

  it('let the controller approve for one signer, and impersonate or bind nobody', () => {
    const permissions = permissionsOf(install, controller);
    expect(permissions.filter(({ verb }) => verb === 'approve')).toEqual([
      { group: 'certificates.k8s.io', resource: 'signers', verb: 'approve', name: 'kubernetes.io/kube-apiserver-client' },
    ]);
    const powers = ['impersonate', 'bind', 'escalate', 'sign'];
    expect(permissions.filter(({ verb, group }) => powers.includes(verb) || group === 'rbac.authorization.k8s.io')).toEqual([]);
  });

  it('let devices write statuses and Leases, and create or delete nothing', () => {
    const writes = permissionsOf(install, devices).filter(({ verb }) => !['get', 'list', 'watch'].includes(verb));
    expect(writes.map(({ verb, resource, namespace }) => [verb, resource, namespace])).toEqual([
      ['patch', 'edgedevices/status', undefined],
      ['patch', 'modelinstances/status', undefined],
      ['patch', 'leases', 'jouleops-devices'],
    ]);
  });

  it('give the service account of the agents’ pods nothing at all', () => {
    const account = { kind: 'ServiceAccount', name: 'jouleops-agent', namespace: 'jouleops-agents' } as const;
    expect(permissionsOf(install, account)).toEqual([]);
  });

  it('are all bound to a policy that fails closed, where devices are concerned', () => {
    const policies = install.filter(({ kind }) => kind === 'ValidatingAdmissionPolicy');
    const bindings = install.filter(({ kind }) => kind === 'ValidatingAdmissionPolicyBinding');
    expect(policies).toHaveLength(4);
    for (const policy of policies) expect(policy).toMatchObject({ spec: { failurePolicy: 'Fail' } });
    expect(bindings).toMatchObject(
      policies.map(({ metadata }) => ({ spec: { policyName: metadata.name, validationActions: ['Deny'] } })),
    );
  });
});

describe('comparing rules with calls', () => {
  const read: Permission = { group: '', resource: 'secrets', verb: 'get', namespace: 'a', name: 'one' };

  it('finds what no rule covers: another name, verb, namespace, subresource', () => {
    const needed = [
      read,
      { ...read, name: 'two' },
      { ...read, verb: 'list' },
      { ...read, namespace: 'b' },
      { ...read, resource: 'secrets/status' },
    ];
    expect(compareRules([read], needed).missing).toEqual([
      'get secrets one in b',
      'get secrets two in a',
      'get secrets/status one in a',
      'list secrets one in a',
    ]);
  });

  it('finds what nothing needed', () => {
    expect(compareRules([read, { ...read, verb: 'delete' }], [read])).toEqual({
      missing: [],
      unused: ['delete secrets one in a'],
    });
  });

  it('takes no wildcard for a rule', () => {
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'wide' },
      rules: [{ apiGroups: [''], resources: ['*'], verbs: ['get'] }],
    };
    const binding = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'wide' },
      roleRef: { kind: 'ClusterRole', name: 'wide' },
      subjects: [devices],
    };
    expect(() => permissionsOf([role, binding], devices)).toThrow(/a rule with a wildcard/);
  });
});
