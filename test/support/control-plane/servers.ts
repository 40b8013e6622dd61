// Starts the three servers of a test cluster, each with the flags it needs and no more.
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { createClient } from '../../../kube/api/http-client.ts';
import { freePort } from '../free-port.ts';
import type { Binaries } from './binaries.ts';
import { ServerProcess } from './server-process.ts';

/** Files on disk that the servers read. */
export interface ClusterFiles {
  folder: string;
  caPem: string;
  authority: { certificate: string; key: string };
  serving: { certificate: string; key: string };
  serviceAccount: { privateKey: string; publicKey: string };
  tokens: string;
  kubeconfig: string;
}

export async function startEtcd(binaries: Binaries, files: ClusterFiles): Promise<{ process: ServerProcess; url: string }> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const peerUrl = `http://127.0.0.1:${await freePort()}`;
  const process = await ServerProcess.start(
    binaries.etcd,
    flags({
      'data-dir': join(files.folder, 'etcd'),
      'unsafe-no-fsync': 'true',
      'log-level': 'warn',
      'listen-client-urls': url,
      'advertise-client-urls': url,
      'listen-peer-urls': peerUrl,
      'initial-advertise-peer-urls': peerUrl,
      'initial-cluster': `default=${peerUrl}`,
    }),
    join(files.folder, 'etcd.log'),
  );
  await readyOrStopped(process, () => answers(`${url}/health`), 30);
  return { process, url };
}

export async function startApiServer(
  binaries: Binaries,
  files: ClusterFiles,
  {
    etcdUrl,
    port,
    adminToken,
    moreFlags,
  }: { etcdUrl: string; port: number; adminToken: string; moreFlags: Readonly<Record<string, string>> },
): Promise<ServerProcess> {
  const process = await ServerProcess.start(
    binaries.apiServer,
    flags({
      'etcd-servers': etcdUrl,
      'bind-address': '127.0.0.1',
      'secure-port': String(port),
      'cert-dir': join(files.folder, 'certs'),
      'tls-cert-file': files.serving.certificate,
      'tls-private-key-file': files.serving.key,
      'client-ca-file': files.authority.certificate,
      'service-account-issuer': 'https://kubernetes.default.svc',
      'service-account-key-file': files.serviceAccount.publicKey,
      'service-account-signing-key-file': files.serviceAccount.privateKey,
      'token-auth-file': files.tokens,
      'authorization-mode': 'RBAC',
      'service-cluster-ip-range': '10.0.0.0/24',
      ...moreFlags,
    }),
    join(files.folder, 'kube-apiserver.log'),
  );
  const server = `https://127.0.0.1:${port}`;
  const client = createClient({ server, certificateAuthority: files.caPem, token: async () => adminToken });
  const ready = async () => (await client.raw('GET', '/readyz', { signal: AbortSignal.timeout(2_000) })) === 'ok';
  try {
    await readyOrStopped(process, ready, 90);
  } finally {
    await client.close();
  }
  return process;
}

export async function startControllerManager(binaries: Binaries, files: ClusterFiles): Promise<ServerProcess> {
  if (!binaries.controllerManager) {
    throw new Error(
      'this test needs kube-controller-manager: unset KUBEBUILDER_ASSETS, so that it is built, or add it to that folder',
    );
  }
  const port = await freePort();
  const process = await ServerProcess.start(
    binaries.controllerManager,
    flags({
      kubeconfig: files.kubeconfig,
      'leader-elect': 'false',
      'bind-address': '127.0.0.1',
      'secure-port': String(port),
      'cert-dir': join(files.folder, 'certs'),
      'cluster-signing-cert-file': files.authority.certificate,
      'cluster-signing-key-file': files.authority.key,
      'root-ca-file': files.authority.certificate,
      'service-account-private-key-file': files.serviceAccount.privateKey,
    }),
    join(files.folder, 'kube-controller-manager.log'),
  );
  await readyOrStopped(process, () => answers(`https://127.0.0.1:${port}/healthz`), 60);
  return process;
}

async function readyOrStopped(process: ServerProcess, probe: () => Promise<boolean>, timeoutSeconds: number): Promise<void> {
  try {
    await process.ready(probe, timeoutSeconds);
  } catch (error) {
    await process.stop();
    throw error;
  }
}

function flags(values: Record<string, string>): string[] {
  return Object.entries(values).map(([name, value]) => `--${name}=${value}`);
}

async function answers(url: string): Promise<boolean> {
  // The certificate of the controller manager is self-signed, and nothing secret is said to it.
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  try {
    const { statusCode, body } = await request(url, { dispatcher, signal: AbortSignal.timeout(2_000) });
    await body.dump();
    return statusCode === 200;
  } finally {
    await dispatcher.close();
  }
}
