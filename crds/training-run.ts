// Generated from crds/*.yaml by crds/generate.ts: change the YAML, then run `npm run generate`.
import type { Condition, KubeObject } from '../kube/api/objects.ts';

/** Train or fine-tune a model, check the result, publish a ModelVersion. Its behaviour comes later: until then nothing acts on it, and it has no status. */
export interface TrainingRun extends KubeObject {
  spec: TrainingRunSpec;
  status?: TrainingRunStatus;
}

/** What to train, with what, and what the result must reach. */
export interface TrainingRunSpec {
  /** The ModelDeployment that the result is for. */
  modelDeploymentName?: string;
  /** The ModelVersion to start from. */
  baseModelVersionName?: string;
  /** From scratch or from baseModelVersionName. */
  mode: 'Train' | 'FineTune';
  /** Container image, on a cluster. */
  image?: string;
  /** Command to run. */
  command?: string[];
  /** Its arguments. */
  arguments?: string[];
  /** Where it may run. */
  deviceSelector?: {
    /** Labels that must all be equal. */
    matchLabels?: Record<string, string>;
  };
  /** Files that it reads. */
  inputs?: {
    /** Its name for the command. */
    name: string;
    /** Where it is. */
    uri: string;
    /** What it must hash to. sha256: and 64 hexadecimal digits. */
    digest?: string;
  }[];
  /** What the result must reach to be published. */
  gate?: {
    /** Least accuracy on drifted data, in thousandths. */
    minimumDriftAccuracyPermille?: number;
    /** Most accuracy that may be lost on standard data, in thousandths. */
    maximumStandardLossPermille?: number;
  };
  /** The ModelVersion to make of it. */
  publish?: {
    /** Its family. */
    family: string;
    /** Its version. */
    version: string;
  };
  /** Longest time it may take. */
  deadlineSeconds?: number;
  /** Do not start it. Absent: false. */
  suspend?: boolean;
}

/** How far it is. */
export interface TrainingRunStatus {
  /** Generation of the object that this status describes. */
  observedGeneration?: number;
  /** Ready; Reconciling and Stalled only while true. */
  conditions?: Condition[];
  /** When it began. */
  startTime?: string;
  /** When it ended. */
  completionTime?: string;
  /** The ModelVersion that was made. */
  modelVersionName?: string;
  /** What the run reports. */
  metrics?: {
    /** Its name. */
    name: string;
    /** Its value. */
    value: string;
  }[];
}
