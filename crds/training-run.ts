import type { Condition, KubeObject } from '../kube/api/objects.ts';

/** Train or fine-tune, gate, publish a ModelVersion. Its controller comes later: until then it reports NotImplemented. */
export interface TrainingRun extends KubeObject {
  spec: TrainingRunSpec;
  status?: TrainingRunStatus;
}

export interface TrainingRunSpec {
  modelDeploymentName?: string;
  baseModelVersionName?: string;
  mode: 'Train' | 'FineTune';
  image?: string;
  command?: string[];
  arguments?: string[];
  deviceSelector?: { matchLabels?: Record<string, string> };
  inputs?: { name: string; uri: string; digest?: string }[];
  gate?: { minimumDriftAccuracyPermille?: number; maximumStandardLossPermille?: number };
  publish?: { family: string; version: string };
  deadlineSeconds?: number;
  suspend?: boolean;
}

export interface TrainingRunStatus {
  observedGeneration?: number;
  conditions?: Condition[];
  startTime?: string;
  completionTime?: string;
  modelVersionName?: string;
  metrics?: { name: string; value: string }[];
}
