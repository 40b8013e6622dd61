// A real Kubernetes API server for tests: etcd, kube-apiserver and, when asked for, kube-controller-manager.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '../../kube/api/client.ts';
import type { Connection } from '../../kube/api/connection.ts';
import { createClient } from '../../kube/api/http-client.ts';
import type { Binaries } from './control-plane/binaries.ts';
import { createTestAuthority, serviceAccountKeys, type TestAuthority } from './control-plane/certificates.ts';
import { installDefinitions } from './control-plane/definitions.ts';
import { kubeconfigOf } from './control-plane/kubeconfig.ts';
import type { ServerProcess } from './control-plane/server-process.ts';
import { type ClusterFiles, startApiServer, startControllerManager, startEtcd } from './control-plane/servers.ts';
import { freePort } from './free-port.ts';

export interface ControlPlane {
  /** As a member of system:masters. */
  connection: Connection;
  client: Client;
  /** A file that kubectl and other clients read. */
  kubeconfigPath: string;
  /** What the server's certificate is checked against. */
  caPem: string;
  /** What client certificates are checked against; the controller manager signs with it. */
  clientAuthority: TestAuthority;
  adminToken: string;
  /** Those that run, by the name of their program. */
  processes(): { name: string; pid: number }[];
  /** Kills kube-apiserver, as a crash would, and starts it again on the same port and the same etcd. */
  restartApiServer(): Promise<void>;
  /** The two halves of that. */
  killApiServer(): Promise<void>;
  startApiServer(): Promise<void>;
  stop(): Promise<void>;
}

export interface ControlPlaneOptions {
  binaries: Binaries;
  /** Garbage collection, Jobs, namespaces that end, signed certificate requests. */
  controllerManager?: boolean;
  /** More flags for kube-apiserver, such as an audit log. */
  apiServerFlags?: Readonly<Record<string, string>>;
}

const adminToken = 'admin-token-of-a-test';

/** Free ports, a temporary folder, our definitions installed. `stop` ends exactly what was started here. */
export async function startControlPlane({
  binaries,
  controllerManager = false,
  apiServerFlags = {},
}: ControlPlaneOptions): Promise<ControlPlane> {
  const folder = await mkdtemp(join(tmpdir(), 'jouleops-control-plane-'));
  const running: ServerProcess[] = [];
  const stop = async () => {
    for (const process of running.reverse()) await process.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const authority = await createTestAuthority('jouleops-test');
    const port = await freePort();
    const server = `https://127.0.0.1:${port}`;
    const files = await writeFiles(folder, server, authority);
    const etcd = await startEtcd(binaries, files);
    running.push(etcd.process);
    const startServer = async () =>
      running.push(await startApiServer(binaries, files, { etcdUrl: etcd.url, port, adminToken, moreFlags: apiServerFlags }));
    await startServer();
    if (controllerManager) running.push(await startControllerManager(binaries, files));
    const connection: Connection = { server, certificateAuthority: authority.certificatePem, token: async () => adminToken };
    const client = createClient(connection, { userAgent: 'jouleops-test' });
    await installDefinitions(client, AbortSignal.timeout(60_000));
    const killApiServer = async () => {
      const [apiServer] = running.splice(1, 1);
      await apiServer?.kill();
    };
    const startApiServerAgain = async () => {
      await startServer();
      running.splice(1, 0, ...running.splice(-1));
    };
    return {
      connection,
      client,
      kubeconfigPath: files.kubeconfig,
      caPem: authority.certificatePem,
      clientAuthority: authority,
      adminToken,
      processes: () =>
        running.flatMap((one) => {
          // Its program is called `server`.
          const name = one === etcd.process ? 'etcd' : one.name;
          return one.pid === undefined ? [] : [{ name, pid: one.pid }];
        }),
      async restartApiServer() {
        await killApiServer();
        await startApiServerAgain();
      },
      killApiServer,
      startApiServer: startApiServerAgain,
      async stop() {
        await client.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function writeFiles(folder: string, server: string, authority: TestAuthority): Promise<ClusterFiles> {
  const write = async (name: string, text: string) => {
    const path = join(folder, name);
    await writeFile(path, text, { mode: 0o600 });
    return path;
  };
  const serving = await authority.issueServer(['127.0.0.1', 'localhost', 'kubernetes', 'kubernetes.default.svc', '10.0.0.1']);
  const accounts = serviceAccountKeys();
  await mkdir(join(folder, 'certs'));
  return {
    folder,
    caPem: authority.certificatePem,
    authority: { certificate: await write('ca.crt', authority.certificatePem), key: await write('ca.key', authority.keyPem) },
    serving: { certificate: await write('server.crt', serving.certificatePem), key: await write('server.key', serving.keyPem) },
    serviceAccount: {
      privateKey: await write('sa.key', accounts.privatePem),
      publicKey: await write('sa.pub', accounts.publicPem),
    },
    tokens: await write('tokens.csv', `${adminToken},admin,admin,"system:masters"\n`),
    kubeconfig: await write('kubeconfig', kubeconfigOf({ server, caPem: authority.certificatePem, token: adminToken })),
  };
}
