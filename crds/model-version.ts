import type { Condition, KubeObject } from '../kube/api/objects.ts';
import type { ArtifactReference, ExternalDataFile } from './shared.ts';

/** One immutable version of a model: variants, digests, golden set. */
export interface ModelVersion extends KubeObject {
  spec: ModelVersionSpec;
  status?: ModelVersionStatus;
}

export interface Variant extends ArtifactReference {
  name: string;
  declaredAccuracyPermille?: number;
  externalData?: ExternalDataFile[];
  /** Sizes for the graph's symbolic dimensions, by name; batch and unnamed ones are 1. */
  dimensions?: { name: string; size: number }[];
}

export interface ModelVersionSpec {
  family: string;
  version: string;
  classLabels?: string[];
  variants: Variant[];
  goldenSet?: ArtifactReference & { metric?: 'Accuracy' | 'Agreement'; minimumPermille: number };
  driftReference?: ArtifactReference;
}

export interface TensorDescription {
  name: string;
  datatype: string;
  shape: number[];
}

export interface VariantStatus {
  name: string;
  digest: string;
  inputs?: TensorDescription[];
  outputs?: TensorDescription[];
  parameters?: number;
  macs?: number;
  weightBytes?: number;
  activationBytes?: number;
  peakMemory?: string | number;
  size?: string | number;
  operators?: { type: string; count: number }[];
  reason?: string;
  message?: string;
}

export interface ModelVersionStatus {
  observedGeneration?: number;
  conditions?: Condition[];
  variants?: VariantStatus[];
}
