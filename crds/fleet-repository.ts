import type { Condition, KubeObject } from '../kube/api/objects.ts';

/** A Git repository or directory to apply. */
export interface FleetRepository extends KubeObject {
  spec: FleetRepositorySpec;
  status?: FleetRepositoryStatus;
}

export interface FleetRepositorySpec {
  url?: string;
  path?: string;
  ref?: { branch?: string; tag?: string; commit?: string };
  directory?: string;
  intervalSeconds?: number;
  timeoutSeconds?: number;
  prune?: boolean;
  suspend?: boolean;
  secretName?: string;
  webhookSecretName?: string;
  targetNamespace?: string;
  serviceAccountName?: string;
  kinds?: string[];
  allowEmpty?: boolean;
}

export interface InventoryEntry {
  id: string;
  version: string;
}

export interface FleetRepositoryStatus {
  observedGeneration?: number;
  conditions?: Condition[];
  lastAttemptedRevision?: string;
  lastAppliedRevision?: string;
  lastHandledReconcileAt?: string;
  inventory?: InventoryEntry[];
  errors?: { file: string; line?: number; column?: number; message: string }[];
  history?: {
    revision: string;
    outcome: 'Applied' | 'Failed' | 'PartlyApplied';
    time: string;
    objects: number;
    message?: string;
  }[];
}
