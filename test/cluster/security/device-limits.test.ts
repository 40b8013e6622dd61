import { describe, expect, it } from 'vitest';
import { devicesGroup } from '../../../crds/names.ts';
import { edgeDevices } from '../../../crds/resources.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import { sharedControlPlane } from '../../support/control-plane/shared.ts';
import { eventually } from '../../support/eventually.ts';
import { attempt, certifyDevice, deviceCases } from '../../support/installation/device-cases.ts';
import { startInstalledCluster } from '../../support/installation/installed-cluster.ts';
import { resourceOf } from '../../support/installation/manifests.ts';

const signal = AbortSignal.timeout(300_000);

describe.skipIf(sharedControlPlane() === undefined)('a device on a cluster with our manifests', () => {
  deviceCases('may do what it must', async () => {
    const cluster = await startInstalledCluster();
    return { admin: cluster.plane.connection, close: () => cluster.stop() };
  });

  it('writes nothing of others even when somebody made all devices administrators', async () => {
    const cluster = await startInstalledCluster();
    const { admin } = cluster;
    const mistake = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'mistake' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: devicesGroup }],
    };
    await admin.apply(resourceOf(mistake), mistake, { fieldManager: 'test', signal });
    for (const name of ['board-1', 'board-2'])
      await admin.create(
        edgeDevices,
        { apiVersion: 'jouleops.dev/v1alpha1', kind: 'EdgeDevice', metadata: { name }, spec: {} },
        { signal },
      );
    const device = await certifyDevice(admin, cluster.plane.connection, 'board-1');
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } };
    const path = '/api/v1/namespaces/default/secrets?dryRun=All';
    await eventually(async () => {
      const { status, text } = await attempt(device, { says: 'make a Secret', method: 'POST', path, body: secret });
      expect(status).toBe(403);
      expect(text).toContain('jouleops:device:board-1 is a device: it may not CREATE secrets');
    }, 20);
    const client = createClient(device);
    const options = { signal, fieldManager: 'x' };
    const status = { agentVersion: '6.6.6' };
    await expect(client.applyStatus(edgeDevices, { metadata: { name: 'board-2' }, status }, options)).rejects.toMatchObject({
      status: 403,
      message: expect.stringContaining('may write the status of its own EdgeDevice, not of board-2'),
    });
    const merge = { kind: 'merge', body: { spec: { hold: true } } } as const;
    await expect(client.patch(edgeDevices, { name: 'board-1' }, merge, { signal })).rejects.toMatchObject({ status: 403 });
    await expect(client.delete(edgeDevices, { name: 'board-1' }, { signal })).rejects.toMatchObject({ status: 403 });
    await client.applyStatus(edgeDevices, { metadata: { name: 'board-1' }, status }, options);
    await client.close();
    await cluster.stop();
  });
});
