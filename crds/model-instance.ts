import type { Condition, KubeObject } from '../kube/api/objects.ts';
import type { Budget } from './model-deployment.ts';
import type { ArtifactReference, Boundary, ExternalDataFile, Interval, Quantity, Runtime, Serving } from './shared.ts';

/** One deployment on one device: what a Pod is to a Deployment. */
export interface ModelInstance extends KubeObject {
  spec: ModelInstanceSpec;
  status?: ModelInstanceStatus;
}

export interface Slot {
  revision: string;
  modelVersionName: string;
  modelVersion: string;
  variant: string;
  digest: string;
  size: string | number;
  externalData?: Omit<ExternalDataFile, 'sources'>[];
  classLabels?: string[];
  goldenSet?: { digest: string; size?: string | number; metric: 'Accuracy' | 'Agreement'; minimumPermille: number };
  driftReference?: Omit<ArtifactReference, 'sources'>;
  runtime?: Runtime;
  serving?: Serving;
  budget?: Budget;
  /** What the model takes in memory while it serves, from the analysis: the child's limit is set from it. */
  peakMemory?: string | number;
}

export interface EnergyTestOrder {
  id: string;
  kind: 'Absolute' | 'Paired';
  windows: number;
}

export interface ModelInstanceSpec {
  deviceName: string;
  deploymentName: string;
  deploymentUid: string;
  active?: Slot;
  candidate?: Slot;
  previous?: Slot;
  candidateSharePercent?: number;
  strategy?: 'Parallel' | 'Recreate';
  energyTest?: EnergyTestOrder;
}

export interface EnergyReading extends Interval {
  quantity: Quantity;
  boundary: Boundary;
  source: string;
  attribution: 'Controlled' | 'Exclusive' | 'Shared';
  inferences: number;
  time: string;
}

/** Why a number is absent: never zero, never the last value. */
export interface AbsentReading {
  reason: string;
  message: string;
}

export interface RevisionStatus {
  revision: string;
  slot: 'Active' | 'Candidate' | 'Previous';
  phase: InstancePhase;
  reason?: string;
  message?: string;
  bytesDownloaded?: number;
  loadMilliseconds?: number;
  residentMemory?: string | number;
  inferences?: number;
  errors?: number;
  latencyMicroseconds?: { p50: number; p95: number; p99: number };
  executionProviders?: string[];
  energy?: EnergyReading;
  energyAbsent?: AbsentReading;
  windowEnergy?: string;
  coveragePermille?: number;
  golden?: { metric: string; permille: number; samples: number; passed: boolean; time: string };
  drift?: { detected: boolean; features: string[]; time?: string };
}

export interface EnergyTestStatus {
  id: string;
  kind: 'Absolute' | 'Paired';
  state: 'Waiting' | 'Running' | 'Completed' | 'Aborted';
  reason?: string;
  message?: string;
  windows: number;
  windowsDone: number;
  /** Mean and variance of the natural log of joules (Absolute) or of the candidate-to-active ratio (Paired), decimal strings. */
  meanLog?: string;
  varianceLog?: string;
  energy?: EnergyReading;
  energyAbsent?: AbsentReading;
  inferences?: number;
  errors?: number;
  p95LatencyMicroseconds?: number;
  agreementPermille?: number;
  energySpent?: string;
  startTime?: string;
  time?: string;
}

export type InstancePhase = 'Pending' | 'Downloading' | 'Loading' | 'Serving' | 'Failed' | 'Stopped';

export interface ModelInstanceStatus {
  observedGeneration?: number;
  phase?: InstancePhase;
  conditions?: Condition[];
  revisions?: RevisionStatus[];
  tests?: EnergyTestStatus[];
  localRollback?: { revision: string; reason: string; message?: string; time: string };
}
