import { describe } from 'vitest';
import { devicesGroup, systemNamespace } from '../../../crds/names.ts';
import { isAlreadyExists } from '../../../kube/api/api-error.ts';
import { namespaces } from '../../../kube/api/builtins.ts';
import type { Client } from '../../../kube/api/client.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import { sharedControlPlane } from '../../support/control-plane/shared.ts';
import { startControllerOn } from '../../support/controller.ts';
import { rolloutCases } from '../../support/controller-cases/rollouts.ts';

const plane = sharedControlPlane();

// Devices join through certificate requests, which only the controller manager signs.
describe.skipIf(plane?.controllerManager !== true)('rollouts on a real API server', () => {
  rolloutCases(async (options) => {
    if (plane === undefined) throw new Error('skipped without a control plane');
    const client = createClient(plane.admin, { userAgent: 'jouleops-test' });
    await prepare(client);
    const api = { admin: plane.admin, client, certificateAuthority: plane.caPem, close: () => client.close() };
    return await startControllerOn(api, options);
  });
});

/** What an installation brings; which verbs a device needs is the concern of the tests of those rules. */
async function prepare(client: Client): Promise<void> {
  const signal = AbortSignal.timeout(30_000);
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: systemNamespace } };
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'devices-in-rollout-tests' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: devicesGroup }],
  };
  const path = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
  for (const creation of [
    client.create(namespaces, namespace, { signal }),
    client.raw('POST', path, { signal, body: binding }),
  ]) {
    await creation.catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
  }
}
