import type { UpstreamOptions } from './engines/upstream/upstream-options.ts';

/** How an agent gets its first certificate. Without one, the identity on disk must exist. */
export type JoinSource =
  | { kind: 'JoinToken'; token: string }
  | { kind: 'ServiceAccountToken'; tokenFile: string; url: string; certificateAuthorityFile: string };

export interface AgentOptions {
  /** The device's name: a DNS-1123 label. */
  name: string;
  /** Everything the agent keeps: identity, desired state, artifacts. One agent per directory. */
  dataDirectory: string;
  join?: JoinSource;
  /** Where the Open Inference Protocol and the metrics are served. Default 127.0.0.1:0. */
  host?: string;
  port?: number;
  /** Port of gRPC on the same address, 0 for a free one. Absent: gRPC is not served. */
  grpcPort?: number;
  /** No control plane: this device serves what it has, and what /deploy gives it. */
  standalone?: boolean;
  /** Lets scripts change what is served with /deploy, /start and /stop: the token they send, and the hosts that model_url may name. */
  deploy?: { token: string; hosts: readonly string[] };
  /** Certificate and key of the ports, PEM. Without them an address that is not loopback gets a certificate of the agent's own. */
  tls?: { certificateFile: string; keyFile: string };
  /** What applications send as a bearer token. Without one, and without a client authority, such an address gets a token of the agent's own. */
  accessTokenFile?: string;
  /** PEM of the authority whose client certificates are let in, instead of a token or beside it. */
  clientAuthorityFile?: string;
  /** Serve on an address that is not loopback, without TLS or authentication. */
  insecureOpen?: boolean;
  /** The URL that other machines reach this agent under, when it is not the listen address. */
  advertisedUrl?: string;
  /** Servers beside the agent that models of engine OpenInferenceUpstream run on. */
  upstreams?: readonly UpstreamOptions[];
  /** A class whose power this agent simulates, such as `raspberry-pi-5`; it then joins as `raspberry-pi-5-simulated`. */
  simulate?: string;
  /** Of a simulated board: seed of other hidden costs, and of a misfit that no sum of costs describes. */
  simulateMisfit?: number;
  /** Roots of the system's own files, so that fixture trees can stand in for a board. */
  pathSysfs?: string;
  pathProcfs?: string;
  /** Memory that models may take, all together. Default: three quarters of the machine's. */
  memoryLimitBytes?: number;
  /** Room for artifacts. Default 8 GiB. */
  storageLimitBytes?: number;
  /** Length of one window of the controlled loop. Default 10 s, 60 s for meters slower than 1 Hz. */
  windowSeconds?: number;
  heartbeatSeconds?: number;
}

/** What the agent says once it answers requests; also written to `<dataDirectory>/agent.json`. */
export interface AgentReadiness {
  name: string;
  url: string;
  /** `host:port` of gRPC, where it is served. */
  grpc?: string;
  /** SHA-256 of the certificate, where the ports speak TLS. */
  fingerprint?: string;
  /** The class that it joined as, when it asked for one. */
  class?: string;
  simulated: boolean;
}
