// A real cluster with manifests/install applied as it stands, and an audit log of the controller's and the devices' calls.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { ControllerOptions } from '../../../controller/options.ts';
import { type RunningController, runController } from '../../../controller/run.ts';
import { agentsNamespace, systemNamespace } from '../../../crds/names.ts';
import type { Client } from '../../../kube/api/client.ts';
import type { Connection } from '../../../kube/api/connection.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';
import { watchConditions } from '../condition-watch.ts';
import { findBinaries } from '../control-plane/binaries.ts';
import { type ControlPlane, startControlPlane } from '../control-plane.ts';
import { eventually } from '../eventually.ts';
import { type AuditEvent, auditPolicy, readAuditLog } from './audit-log.ts';
import { applyManifests, type Manifest, manifestsFolder, readKustomization } from './manifests.ts';

export interface InstalledCluster {
  plane: ControlPlane;
  /** As a member of system:masters. */
  admin: Client;
  folder: string;
  manifests: Manifest[];
  /** A token of a service account, as the kubelet asks for one. */
  requestToken(order: TokenOrder): Promise<string>;
  /** As the controller's service account, with exactly what the manifests allow it. */
  controllerConnection: Connection;
  startController(options?: Partial<ControllerOptions>): Promise<RunningController & { stop(): Promise<void> }>;
  auditLog(): Promise<AuditEvent[]>;
  stop(): Promise<void>;
}

export interface TokenOrder {
  namespace: string;
  account: string;
  audience?: string;
  /** The pod that it is bound to. */
  pod?: { name: string; uid: string };
}

const signal = AbortSignal.timeout(600_000);

export async function startInstalledCluster(): Promise<InstalledCluster> {
  const binaries = await findBinaries();
  if (binaries.kind === 'absent') throw new Error(binaries.reason);
  const folder = await mkdtemp(join(tmpdir(), 'jouleops-installed-'));
  const auditFile = join(folder, 'audit.log');
  await writeFile(join(folder, 'audit-policy.yaml'), auditPolicy);
  const plane = await startControlPlane({
    binaries,
    controllerManager: true,
    apiServerFlags: {
      'audit-policy-file': join(folder, 'audit-policy.yaml'),
      'audit-log-path': auditFile,
      // The strictest cluster that we know of has it on: owners that block deletion need the owner's finalizers.
      'enable-admission-plugins': 'OwnerReferencesPermissionEnforcement',
    },
  });
  const admin = plane.client;
  const manifests = await readKustomization(join(manifestsFolder, 'install'));
  await applyManifests(admin, manifests, signal);
  const conditions = watchConditions(admin);

  const requestToken = async ({ namespace, account, audience, pod }: TokenOrder) => {
    const spec = {
      expirationSeconds: 3600,
      ...(audience === undefined ? {} : { audiences: [audience] }),
      ...(pod === undefined ? {} : { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', ...pod } }),
    };
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
    const answer = (await admin.raw('POST', path, { body, signal })) as { status: { token: string } };
    return answer.status.token;
  };
  const token = await eventually(() => requestToken({ namespace: systemNamespace, account: 'jouleops-controller' }));
  const { server, certificateAuthority = '' } = plane.connection;
  const controllerConnection: Connection = { server, certificateAuthority, token: async () => token };

  return {
    plane,
    admin,
    folder,
    manifests,
    requestToken,
    controllerConnection,
    auditLog: () => readAuditLog(auditFile),
    async startController(options = {}) {
      const stopping = new AbortController();
      const client = createClient(controllerConnection, { userAgent: 'jouleops-controller' });
      const running = await runController(
        {
          dataDirectory: join(folder, 'controller'),
          apiServer: { url: server, certificateAuthority },
          agentsNamespace,
          leaderElection: true,
          ...options,
        },
        { client, clock: systemClock, logger: pino({ level: process.env['TEST_LOG'] ?? 'silent' }) },
        stopping.signal,
      );
      return {
        ...running,
        async stop() {
          stopping.abort(new Error('test over'));
          await running.stopped;
          await client.close();
        },
      };
    },
    async stop() {
      const [linted] = await Promise.allSettled([conditions.close()]);
      await plane.stop();
      await rm(folder, { recursive: true, force: true });
      if (linted.status === 'rejected') throw linted.reason;
    },
  };
}
