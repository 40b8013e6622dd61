import type { Condition, KubeObject } from '../kube/api/objects.ts';
import type { Boundary, ClassKeyParts, Quantity } from './shared.ts';

/** A kind of board: how to recognise it, its predictors, its calibration. */
export interface DeviceClass extends KubeObject {
  spec: DeviceClassSpec;
  status?: DeviceClassStatus;
}

export interface PredictorReference {
  name: string;
  version?: number;
  key?: ClassKeyParts;
  boundary: Boundary;
  quantity?: Quantity;
  digest: string;
  source: string;
}

export interface DeviceClassSpec {
  match?: { boardModels?: string[]; architectures?: string[]; precedence?: number };
  idlePower?: { boundary: Boundary; value: string; source: string; date: string }[];
  predictors?: PredictorReference[];
  /** This class is a simulation of that one and borrows its predictors. */
  simulatedFrom?: string;
}

export interface CalibrationStatus {
  predictor: string;
  version: string;
  samples: number;
  logBias?: string;
  errorPermille?: number;
  intervalCoveragePermille?: number;
}

export interface DeviceClassStatus {
  observedGeneration?: number;
  conditions?: Condition[];
  devices?: number;
  calibration?: CalibrationStatus[];
}
