// Generated from crds/*.yaml by crds/generate.ts: change the YAML, then run `npm run generate`.
import type { Condition, KubeObject } from '../kube/api/objects.ts';

/** A Git repository or a directory whose objects are applied and kept applied. */
export interface FleetRepository extends KubeObject {
  spec: FleetRepositorySpec;
  status?: FleetRepositoryStatus;
}

/** What to apply, from where, and as whom. */
export interface FleetRepositorySpec {
  /** Git repository, over https or ssh; file only on the embedded control plane. Credentials belong in secretName, not here. */
  url?: string;
  /** Absolute path of a directory, on the embedded control plane only. */
  path?: string;
  /** What to check out. Absent: the repository's default branch. */
  ref?: {
    /** The head of this branch. */
    branch?: string;
    /** This tag. */
    tag?: string;
    /** This commit, in full. */
    commit?: string;
  };
  /** Only what lies below this directory of the repository. */
  directory?: string;
  /** How often to look. Absent: 60. */
  intervalSeconds?: number;
  /** Longest time for one fetch. Absent: 60. */
  timeoutSeconds?: number;
  /** Delete what has gone from the repository. Absent: false. */
  prune?: boolean;
  /** Apply nothing. Absent: false. */
  suspend?: boolean;
  /** Secret in the same namespace with the credentials of the repository. */
  secretName?: string;
  /** Secret in the same namespace with the key that signs webhook calls. */
  webhookSecretName?: string;
  /** Namespace for every object that lives in one. Absent: its own, else that of this object. */
  targetNamespace?: string;
  /** Service account to apply as. The embedded control plane has none: it applies as the controller. */
  serviceAccountName?: string;
  /** Kinds that may be applied. Absent: Namespace, ConfigMap, DeviceClass, EdgeDevice, ModelVersion, ModelDeployment, TrainingRun. */
  kinds?: string[];
  /** Let an emptied directory prune everything. Absent: false. */
  allowEmpty?: boolean;
}

/** What was applied. */
export interface FleetRepositoryStatus {
  /** Generation of the object that this status describes. */
  observedGeneration?: number;
  /** Ready; Reconciling and Stalled only while true. */
  conditions?: Condition[];
  /** The last revision that was tried. */
  lastAttemptedRevision?: string;
  /** The last revision that was applied whole. */
  lastAppliedRevision?: string;
  /** The last value of the annotation jouleops.dev/requestedAt that was acted on. */
  lastHandledReconcileAt?: string;
  /** What was applied and is pruned when it goes. */
  inventory?: InventoryEntry[];
  /** What could not be applied. */
  errors?: {
    /** The file. */
    file: string;
    /** The line, from 1. */
    line?: number;
    /** The column, from 1. */
    column?: number;
    /** What is wrong and what to do. */
    message: string;
  }[];
  /** The last attempts, newest first. */
  history?: {
    /** The revision. */
    revision: string;
    /** What became of it. */
    outcome: 'Applied' | 'Failed' | 'PartlyApplied';
    /** When. */
    time: string;
    /** Objects in it. */
    objects: number;
    /** In a sentence. */
    message?: string;
  }[];
}

/** One object. */
export interface InventoryEntry {
  /** <namespace>_<name>_<group>_<kind>. */
  id: string;
  /** Its API version. */
  version: string;
}
