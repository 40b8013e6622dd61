// What the placement decision sees: plain values, taken once per pass.
import type { CandidateStatus, CandidateVerdict, LabelSelector, Toleration } from '../../../crds/model-deployment.ts';
import type { EnergyVerdict } from '../../../crds/shared.ts';
import type { Estimate } from '../../../energy/prediction/prediction.ts';

export interface DeviceView {
  name: string;
  /** What its options depend on: devices of one kind have the same. */
  kind: string;
  className?: string;
  labels: Readonly<Record<string, string>>;
  taints: readonly { key: string; value?: string; effect: 'NoPlacement' | 'NoServing' }[];
  unschedulable: boolean;
  ready: boolean;
  /** Why it is not ready. */
  message?: string;
  /** Silence so far, when its agent is lost. */
  lostSeconds?: number;
  agentVersion?: string;
  /** Names of the servers beside its agent that models can run on. */
  upstreams?: readonly string[];
  memoryBytes?: number;
  storageBytes?: number;
  powerCapWatts?: number;
  /** At the boundary of the cap. */
  idleWatts?: number;
}

export interface DeploymentView {
  uid: string;
  key: string;
  priority: number;
  createdTime: string;
  mode: 'Replicas' | 'EveryDevice';
  replicas: number;
  selector?: LabelSelector;
  classNames: readonly string[];
  tolerations: readonly Toleration[];
  strategy: 'LeastEnergy' | 'Spread';
  topologyKey?: string;
  failoverSeconds: number;
  minimumAgentVersion?: string;
  /** The server beside the agent that the model runs on, where it names one. */
  upstreamName?: string;
  p95LatencyMilliseconds?: number;
  /** Nothing new is placed while its model is unknown or it is suspended; what is there stays. */
  frozen: boolean;
}

/** One variant on one device: what it would cost, or why it may not. */
export type Option =
  | {
      kind: 'allowed';
      variant: string;
      verdict: EnergyVerdict;
      /** Joules per inference at the budget's boundary. */
      joules?: Estimate;
      /** Watts that it adds at its declared load. */
      marginalWatts?: Estimate;
      latencySeconds?: Estimate;
      memoryBytes: number;
      storageBytes: number;
    }
  | { kind: 'refused'; variant?: string; verdict: CandidateVerdict; joules?: Estimate; message: string };

export interface ExistingPlacement {
  deviceName: string;
  /** It holds a slot: something serves or is being tested there. */
  occupied: boolean;
  memoryBytes: number;
}

export interface Snapshot {
  /** Sorted by name. */
  devices: readonly DeviceView[];
  deployments: readonly DeploymentView[];
  /** By deployment uid. */
  existing: ReadonlyMap<string, readonly ExistingPlacement[]>;
  /** Cheapest variant that qualifies. Pure and remembered by whoever takes the snapshot. */
  option(deployment: DeploymentView, device: DeviceView): Option;
}

export interface PlacementDecision {
  deploymentUid: string;
  desired: number;
  /** Device names, sorted. */
  chosen: string[];
  candidates: CandidateStatus[];
  candidateCounts: Record<string, number>;
  /** Set when fewer devices than desired were found. */
  shortfall?: string;
}
