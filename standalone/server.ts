// The embedded control plane: a Kubernetes API server for one machine, in one process, on SQLite.
import { mkdirSync } from 'node:fs';
import type { Logger } from 'pino';
import { loadCustomResourceDefinitions } from '../crds/manifests.ts';
import { devicesNamespace, systemNamespace } from '../crds/names.ts';
import { productVersion } from '../crds/product-version.ts';
import { toError } from '../kube/api/api-error.ts';
import type { Connection } from '../kube/api/connection.ts';
import { type Clock, systemClock } from '../kube/runtime/clock.ts';
import { openCertificateAuthority } from './auth/certificate-authority.ts';
import { startCertificateSigner } from './auth/certificate-signer.ts';
import { formatKubeconfig } from './auth/kubeconfig.ts';
import { localUrl, serverNames } from './auth/server-names.ts';
import { createDiscovery } from './discovery/discovery.ts';
import { startGarbageCollector } from './garbage/collector.ts';
import { expireObjects } from './garbage/expiry.ts';
import { listen } from './http/listener.ts';
import { createRouter } from './http/router.ts';
import { createRegistry } from './registry/registry.ts';
import { seedObjects } from './registry/seed.ts';
import { customKinds } from './schema/custom-kind.ts';
import { StandaloneError } from './standalone-error.ts';
import { openDatabase } from './storage/database.ts';
import { ObjectStore } from './storage/object-store.ts';
import { WatchHub } from './watch/watch-hub.ts';

export interface ServerOptions {
  /** Everything that must survive; made when missing, readable by its owner only. */
  readonly dataDirectory: string;
  /** 127.0.0.1 */
  readonly host?: string;
  /** 0: any free one. */
  readonly port?: number;
  readonly clock?: Clock;
  readonly logger: Logger;
  /** How many revisions watches and pages can reach back. */
  readonly keptRevisions?: number;
}

export interface StandaloneServer {
  readonly url: string;
  readonly port: number;
  /** PEM; signs the server's certificate. */
  readonly certificateAuthority: string;
  /** PEM; signs client certificates. */
  readonly clientCertificateAuthority: string;
  readonly admin: Connection;
  /** YAML for kubectl, as the administrator. */
  kubeconfig(): string;
  close(): Promise<void>;
}

const defaultKeptRevisions = 10_000;

/** Starts the server; it answers when this resolves. Throws `StandaloneError`, which says what to do. */
export async function startServer(options: ServerOptions): Promise<StandaloneServer> {
  const { dataDirectory, logger } = options;
  const host = options.host ?? '127.0.0.1';
  const clock = options.clock ?? systemClock;
  makeDirectory(dataDirectory);
  const store = new ObjectStore(openDatabase(dataDirectory), { keptRevisions: options.keptRevisions ?? defaultKeptRevisions });
  try {
    const authority = await openCertificateAuthority(dataDirectory, clock);
    const definitions = await loadCustomResourceDefinitions();
    const registry = createRegistry(definitions.flatMap(customKinds));
    const context = { registry, store, clock };
    await seedObjects(context, authority.certificate, [devicesNamespace, systemNamespace]);
    const administrator = await authority.administrator();
    const serving = await authority.issueServer(serverNames(host));
    const stopping = new AbortController();
    const hub = new WatchHub(store);
    const discovery = createDiscovery(registry, productVersion);
    const router = createRouter({ ...context, hub, stopping: stopping.signal, discovery, logger });
    const tls = { certificate: serving.certificate, key: serving.key, clientCertificateAuthority: authority.certificate };
    const listener = await listen({ host, port: options.port ?? 0, ...tls }, router);
    // Nothing below fails, so nothing has to be stopped when something above did.
    const collector = startGarbageCollector({ ...context, logger });
    const signer = startCertificateSigner({ ...context, authority, logger });
    const expiring = expireObjects({ ...context, logger }, stopping.signal);
    const stop = async () => {
      stopping.abort();
      await Promise.all([listener.close(), expiring]);
      signer.close();
      collector.close();
      hub.close();
      store.close();
    };
    let closing: Promise<void> | undefined;
    const url = localUrl(host, listener.port);
    const admin: Connection = {
      server: url,
      certificateAuthority: authority.certificate,
      clientCertificate: administrator.certificate,
      clientKey: administrator.key,
    };
    return {
      url,
      port: listener.port,
      certificateAuthority: authority.certificate,
      clientCertificateAuthority: authority.certificate,
      admin,
      kubeconfig: () => formatKubeconfig(admin),
      close: () => (closing ??= stop()),
    };
  } catch (error) {
    store.close();
    throw error;
  }
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StandaloneError(
      `cannot make the data directory ${directory}: ${toError(error).message}`,
      'Choose a directory that this user may write with --data-dir.',
      { cause: error },
    );
  }
}
