// The API server that a suite of the product runs on: the embedded one, or a real kube-apiserver when the project says so.
import { readFile } from 'node:fs/promises';
import { devicesGroup, systemNamespace } from '../../crds/names.ts';
import { namespaces } from '../../kube/api/builtins.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Connection } from '../../kube/api/connection.ts';
import { findBinaries } from './control-plane/binaries.ts';
import { startControlPlane } from './control-plane.ts';
import { startTestServer, type TestServer } from './standalone.ts';

export interface ApiServerUnderTest {
  url: string;
  admin: Connection;
  /** As the administrator. */
  client: Client;
  /** What its own certificate is checked against, PEM. */
  certificateAuthority: string;
  /** What the certificates of its clients are checked against, PEM. */
  clientCertificateAuthority: string;
  /** Of the administrator, as kubectl reads it. */
  kubeconfig(): Promise<string>;
  /** There when it is the embedded one. */
  embedded?: TestServer;
  close(): Promise<void>;
}

/** One of its own on a free port, with our definitions and nothing else. */
export async function startApiServerUnderTest(): Promise<ApiServerUnderTest> {
  return process.env['API_SERVER_UNDER_TEST'] === 'real' ? startReal() : startEmbedded();
}

async function startEmbedded(): Promise<ApiServerUnderTest> {
  const test = await startTestServer();
  const { admin, certificateAuthority, clientCertificateAuthority } = test.server;
  return {
    url: admin.server,
    admin,
    client: test.client,
    certificateAuthority,
    clientCertificateAuthority,
    kubeconfig: async () => test.server.kubeconfig(),
    embedded: test,
    close: () => test.close(),
  };
}

async function startReal(): Promise<ApiServerUnderTest> {
  const binaries = await findBinaries();
  if (binaries.kind === 'absent') throw new Error(binaries.reason);
  // Devices join through certificate requests, which the controller manager signs.
  const plane = await startControlPlane({ binaries, controllerManager: true });
  try {
    await installOn(plane.client);
  } catch (error) {
    await plane.stop();
    throw error;
  }
  return {
    url: plane.connection.server,
    admin: plane.connection,
    client: plane.client,
    certificateAuthority: plane.caPem,
    clientCertificateAuthority: plane.clientAuthority.certificatePem,
    kubeconfig: () => readFile(plane.kubeconfigPath, 'utf8'),
    close: () => plane.stop(),
  };
}

/** What an installation brings; which verbs a device needs is the concern of the tests of those rules. */
export async function installOn(client: Client): Promise<void> {
  const signal = AbortSignal.timeout(30_000);
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'devices-under-test' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: devicesGroup }],
  };
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: systemNamespace } }, { signal });
  await client.raw('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', { signal, body: binding });
}
