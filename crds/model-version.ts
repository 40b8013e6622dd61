// Generated from crds/*.yaml by crds/generate.ts: change the YAML, then run `npm run generate`.
import type { Condition, KubeObject } from '../kube/api/objects.ts';
import type { ArtifactReference, ArtifactSource, ExternalDataFile } from './shared.ts';

/** One immutable version of a model: its variants by digest, where their bytes are, and a golden set. */
export interface ModelVersion extends KubeObject {
  spec: ModelVersionSpec;
  status?: ModelVersionStatus;
}

/** What the version is. Sources and declared accuracies may change, what the digests say may not. */
export interface ModelVersionSpec {
  /** The model that this is a version of. */
  family: string;
  /** Its version, such as 2.0.0. */
  version: string;
  /** Names of the classes, in the order of the output, for a classifier. */
  classLabels?: string[];
  /** The same model in several forms, such as fp32 and int8. */
  variants: Variant[];
  /** Samples with reference outputs that every device answers before it serves: gzip JSON lines. */
  goldenSet?: {
    /** What the golden set must hash to. sha256: and 64 hexadecimal digits. */
    digest: string;
    /** Length of the golden set. A quantity such as 256Mi, or a number of bytes. */
    size?: string | number;
    /** Where the bytes can be fetched from, tried in order. May change: the digest alone says what the bytes are. */
    sources: ArtifactSource[];
    /** How it is scored. Absent: Accuracy. */
    metric?: 'Accuracy' | 'Agreement';
    /** Least score, in thousandths. */
    minimumPermille: number;
  };
  /** What inputs looked like in training, as JSON: per feature mean, standard deviation, range and bins. */
  driftReference?: ArtifactReference;
}

/** One ONNX graph. */
export interface Variant extends ArtifactReference {
  /** Its name. */
  name: string;
  /** Accuracy that its maker declares, in thousandths. */
  declaredAccuracyPermille?: number;
  /** Files beside the graph that it names. */
  externalData?: ExternalDataFile[];
  /** Sizes for the graph's symbolic dimensions; batch and unnamed ones are 1. */
  dimensions?: {
    /** Its name in the graph. */
    name: string;
    /** Its size. */
    size: number;
  }[];
}

/** What was fetched, verified and read from the graphs. */
export interface ModelVersionStatus {
  /** Generation of the object that this status describes. */
  observedGeneration?: number;
  /** Verified, Analyzed, Ready; Reconciling and Stalled only while true. */
  conditions?: Condition[];
  /** One entry per variant. */
  variants?: VariantStatus[];
}

/** What the graph of one variant says. */
export interface VariantStatus {
  /** The variant. */
  name: string;
  /** What was read. sha256: and 64 hexadecimal digits. */
  digest: string;
  /** Inputs. */
  inputs?: TensorDescription[];
  /** Outputs. */
  outputs?: TensorDescription[];
  /** Trained numbers. */
  parameters?: number;
  /** Multiply-adds of one inference. */
  macs?: number;
  /** Bytes of weights. */
  weightBytes?: number;
  /** Bytes of activations that one inference reads and writes. */
  activationBytes?: number;
  /** Most memory that one inference needs. A quantity such as 256Mi, or a number of bytes. */
  peakMemory?: string | number;
  /** Where the bytes were fetched from; a tag of a registry is resolved to the digest that it stood for. */
  source?: string;
  /** Length of the file. A quantity such as 256Mi, or a number of bytes. */
  size?: string | number;
  /** How often each operator occurs after fusion, most frequent first. */
  operators?: {
    /** Its type. */
    type: string;
    /** How often. */
    count: number;
  }[];
  /** Why, as one word for machines. */
  reason?: string;
  /** Why, for people: the thing, the number and the next step. */
  message?: string;
}

/** One tensor. */
export interface TensorDescription {
  /** Its name. */
  name: string;
  /** Its type, as the Open Inference Protocol names it. */
  datatype: string;
  /** Its dimensions; -1 is dynamic. */
  shape: number[];
}
