import type { Condition, KubeObject } from '../kube/api/objects.ts';
import type { Boundary, EnergyVerdict, Interval, Runtime, Serving } from './shared.ts';

/** This model, on such devices, within this budget. */
export interface ModelDeployment extends KubeObject {
  spec: ModelDeploymentSpec;
  status?: ModelDeploymentStatus;
}

export interface ModelDeploymentSpec {
  modelVersionName: string;
  budget: Budget;
  load?: { requestRate?: string };
  requirements?: Requirements;
  placement: Placement;
  priority?: number;
  runtime?: Runtime;
  serving?: Serving;
  rollout?: Rollout;
  drift?: DriftPolicy;
  retrain?: RetrainPolicy;
  suspend?: boolean;
  revisionHistoryLimit?: number;
}

export interface BudgetAmounts {
  energyPerInference?: string;
  averagePower?: string;
  energyPerDay?: string;
}

export interface Budget extends BudgetAmounts {
  windowSeconds?: number;
  boundary?: Boundary;
  powerBasis?: 'Marginal' | 'Whole';
  byClass?: ({ deviceClassName: string } & BudgetAmounts)[];
  confidencePercent?: number;
  enforcement?: 'Enforce' | 'Warn';
  whenUncertain?: 'Canary' | 'Admit' | 'Reject';
  whenUnknown?: 'Canary' | 'Admit' | 'Reject';
  whenExceeded?: 'Rollback' | 'Stop' | 'Throttle' | 'Report';
  minimumInferences?: number;
  energyTest?: { maximumWindows?: number; idleLoadPercent?: number };
}

export interface Requirements {
  p95LatencyMilliseconds?: number;
  minimumAccuracyPermille?: number;
  memory?: string | number;
  minimumAgentVersion?: string;
}

export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'; values?: string[] }[];
}

export interface Toleration {
  key?: string;
  operator?: 'Equal' | 'Exists';
  value?: string;
  effect?: 'NoPlacement' | 'NoServing';
}

export interface Placement {
  mode?: 'Replicas' | 'EveryDevice';
  replicas?: number;
  deviceSelector?: LabelSelector;
  deviceClassNames?: string[];
  tolerations?: Toleration[];
  strategy?: 'LeastEnergy' | 'Spread';
  topologyKey?: string;
  failoverSeconds?: number;
  variantNames?: string[];
  batteryPolicy?: { belowPercent: number; hysteresisPercent?: number; preferCheaperVariant?: boolean };
}

export interface RolloutStep {
  devices?: number;
  percent?: number;
  pauseSeconds?: number;
  gate?: 'Automatic' | 'Manual';
}

export interface Rollout {
  steps?: RolloutStep[];
  candidateSharePercent?: number;
  maximumUnavailable?: number;
  minimumDevices?: number;
  progressDeadlineSeconds?: number;
  onFailure?: 'Rollback' | 'Freeze' | 'Continue';
  strategy?: 'Parallel' | 'Recreate';
  analysis?: {
    windowSeconds?: number;
    maximumErrorPermille?: number;
    maximumLatencyIncreasePercent?: number;
    energyMarginPercent?: number;
    minimumAgreementPermille?: number;
  };
  experiment?: {
    baselineModelVersionName: string;
    challengerModelVersionName: string;
    sharePercent?: number;
    durationSeconds?: number;
    metric?: 'EnergyPerInference' | 'Latency' | 'Agreement' | 'Accuracy';
    promoteWinner?: boolean;
  };
}

export interface DriftPolicy {
  detector?: 'Adwin' | 'PageHinkley';
  windowSeconds?: number;
  minimumFeatures?: number;
  cooldownSeconds?: number;
}

export interface RetrainPolicy {
  trigger?: 'Drift' | 'GoldenAccuracy' | 'Manual';
  templateName?: string;
  cooldownSeconds?: number;
  publish?: 'ModelVersion' | 'GitCommit';
}

export type AmountName = 'EnergyPerInference' | 'AveragePower' | 'EnergyPerDay';

export interface PredictedAmount extends Interval {
  predictor: string;
  inDomain: boolean;
  transferred: boolean;
}

export interface MeasuredAmount extends Interval {
  inferences: number;
  source: string;
  attribution: 'Controlled' | 'Exclusive' | 'Shared';
  time: string;
}

export interface AmountStatus {
  name: AmountName;
  budget: string;
  predicted?: PredictedAmount;
  measured?: MeasuredAmount;
  verdict: EnergyVerdict;
  reason?: string;
  message?: string;
}

export interface ClassStatus {
  deviceClassName: string;
  revision?: string;
  targetRevision?: string;
  variant?: string;
  devices: number;
  boundary: Boundary;
  amounts: AmountStatus[];
  step?: number;
  analysis?: { verdict: 'Successful' | 'Failed' | 'Inconclusive' | 'Running'; reason: string; message: string; look?: number };
}

export type CandidateVerdict =
  | 'Chosen'
  | 'Feasible'
  | 'ExceedsBudget'
  | 'Uncertain'
  | 'Unknown'
  | 'NotReady'
  | 'NotSelected'
  | 'WrongClass'
  | 'Tainted'
  | 'Unschedulable'
  | 'PowerCapExceeded'
  | 'InsufficientMemory'
  | 'InsufficientStorage'
  | 'LatencyExceeded'
  | 'AccuracyTooLow'
  | 'AgentTooOld'
  | 'Rejected'
  | 'LoadExceedsCapacity';

export interface CandidateStatus {
  deviceName: string;
  variant?: string;
  verdict: CandidateVerdict;
  energyPerInference?: string;
  message?: string;
}

export interface ModelDeploymentStatus {
  observedGeneration?: number;
  conditions?: Condition[];
  currentRevision?: string;
  devices?: { desired: number; updated: number; ready: number; unreachable: number };
  url?: string;
  energy?: { predicted?: string; measured?: string; budget: string; verdict: EnergyVerdict; deviceClassName: string };
  classes?: ClassStatus[];
  candidates?: CandidateStatus[];
  candidateCounts?: Record<string, number>;
  lastHandledCommand?: string;
  rejectedRevisions?: {
    revision: string;
    deviceClassName: string;
    criteriaHash: string;
    reason: string;
    message: string;
    time: string;
  }[];
  history?: {
    revision: string;
    modelVersionName: string;
    outcome: 'Progressing' | 'Succeeded' | 'RolledBack' | 'Rejected' | 'Superseded';
    startTime: string;
    endTime?: string;
    predicted?: string;
    measured?: string;
    message?: string;
  }[];
}
