import { randomBytes } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemNamespace } from '../crds/names.ts';
import type { AnalysisLimits } from '../energy/graph/analysis.ts';

export interface ListenOptions {
  /** 127.0.0.1 unless told otherwise. */
  host?: string;
  /** 0 takes a free port. */
  port?: number;
}

export interface ControllerOptions {
  /** Artifacts and analyses; one controller per directory. */
  dataDirectory: string;
  /** What joining devices are told: where the API server is, and its CA in PEM; read anew for each of them where it can change. */
  apiServer: { url: string; certificateAuthority: string; readCertificateAuthority?: () => Promise<string> };
  /** Root of `store://` sources. Default: model_store of this installation. */
  modelStoreDirectory?: string;
  /** Shipped predictors. Default: data/predictors of this installation. */
  predictorDirectory?: string;
  /** Metrics, probes and the read-only API. */
  web?: ListenOptions;
  /** Joining and artifacts, TLS. `advertisedUrl` is what devices reach it under; `names` go into its certificate. */
  devicePort?: ListenOptions & { advertisedUrl?: string; names?: readonly string[] };
  systemNamespace?: string;
  /** Namespace of agent pods that find the device port in a ConfigMap there. None unless told. */
  agentsNamespace?: string;
  /** Several replicas: only the leader writes. */
  leaderElection?: boolean;
  /** Name of this process in events and leases. */
  identity?: string;
  artifacts?: {
    quotaBytes?: number;
    maximumBytes?: number;
    /** Hosts that `https://` sources may name; none by default. */
    allowedHosts?: readonly string[];
    allowPrivateAddresses?: boolean;
    /** PEM for hosts with a CA of their own. */
    certificateAuthority?: string;
  };
  analysisLimits?: Partial<AnalysisLimits>;
  fleet?: {
    /** `spec.path` is only for the machine that the controller runs on: `jouleops up` allows it. */
    allowPaths?: boolean;
    /** Of the copy of one Git repository on disk. Default 256 MiB. */
    maximumGitBytes?: number;
  };
  /** After so much silence a device counts as lost. Default 180. */
  lostSeconds?: number;
}

const installation = fileURLToPath(new URL('..', import.meta.url));
const gibibyte = 2 ** 30;

/** Every option with its default. */
export function completeOptions(options: ControllerOptions) {
  const { artifacts = {}, devicePort = {} } = options;
  const deviceHost = devicePort.host ?? '127.0.0.1';
  return {
    ...options,
    modelStoreDirectory: options.modelStoreDirectory ?? path.join(installation, 'model_store'),
    predictorDirectory: options.predictorDirectory ?? path.join(installation, 'data', 'predictors'),
    web: { host: options.web?.host ?? '127.0.0.1', port: options.web?.port ?? 0 },
    devicePort: {
      host: deviceHost,
      port: devicePort.port ?? 0,
      names: [
        ...new Set([...(devicePort.names ?? []), ...namesOf(devicePort.advertisedUrl), deviceHost, '127.0.0.1', 'localhost']),
      ],
      ...(devicePort.advertisedUrl === undefined ? {} : { advertisedUrl: devicePort.advertisedUrl }),
    },
    systemNamespace: options.systemNamespace ?? systemNamespace,
    // Containers share process ids, and on the host's network names too: two leaders of one identity would both lead.
    identity: options.identity ?? `${os.hostname()}_${process.pid}_${randomBytes(4).toString('hex')}`,
    leaderElection: options.leaderElection ?? false,
    artifacts: {
      quotaBytes: artifacts.quotaBytes ?? 20 * gibibyte,
      maximumBytes: artifacts.maximumBytes ?? 4 * gibibyte,
      allowedHosts: artifacts.allowedHosts ?? [],
      allowPrivateAddresses: artifacts.allowPrivateAddresses ?? false,
      ...(artifacts.certificateAuthority === undefined ? {} : { certificateAuthority: artifacts.certificateAuthority }),
    },
    fleet: {
      allowPaths: options.fleet?.allowPaths ?? false,
      gitDirectory: path.join(options.dataDirectory, 'git'),
      maximumGitBytes: options.fleet?.maximumGitBytes ?? gibibyte / 4,
    },
  };
}

export type CompleteOptions = ReturnType<typeof completeOptions>;

function namesOf(url: string | undefined): string[] {
  return url === undefined ? [] : [new URL(url).hostname.replace(/^\[|\]$/g, '')];
}
