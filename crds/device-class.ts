// Generated from crds/*.yaml by crds/generate.ts: change the YAML, then run `npm run generate`.
import type { Condition, KubeObject } from '../kube/api/objects.ts';
import type { Boundary, ClassKeyParts, Quantity } from './shared.ts';

/** A kind of board: how to recognise it, its predictors, its calibration. */
export interface DeviceClass extends KubeObject {
  spec: DeviceClassSpec;
  status?: DeviceClassStatus;
}

/** What is known about such boards. */
export interface DeviceClassSpec {
  /** How a device of this class is recognised. */
  match?: {
    /** Globs on the device-tree model or the DMI product name. */
    boardModels?: string[];
    /** Processor architectures, such as arm64. */
    architectures?: string[];
    /** Among several classes that match, the highest wins. Absent: 0. */
    precedence?: number;
  };
  /** Power of an idle board. A device's own measurement wins. */
  idlePower?: {
    /** What it covers. Board is its input, Module lies after the carrier board, Package is the chip, CoreRail its core supply. Values of different boundaries are never compared. */
    boundary: Boundary;
    /** The power. Power with its unit, such as 2.5W (mW, W, kW). */
    value: string;
    /** Where the number is from. */
    source: string;
    /** When it was measured, as YYYY-MM-DD. */
    date: string;
  }[];
  /** What predicts energy for this class. */
  predictors?: PredictorReference[];
  /** This class is a simulation of that one and borrows its predictors. */
  simulatedFrom?: string;
}

/** One predictor. */
export interface PredictorReference {
  /** Its name. */
  name: string;
  /** Its version. */
  version?: number;
  /** What it was trained for. */
  key?: ClassKeyParts;
  /** What it predicts at. Board is its input, Module lies after the carrier board, Package is the chip, CoreRail its core supply. Values of different boundaries are never compared. */
  boundary: Boundary;
  /** Which energy it predicts. Active energy includes the board's idle share while it serves; Marginal energy is above idle. */
  quantity?: Quantity;
  /** What its file must hash to. sha256: and 64 hexadecimal digits. */
  digest: string;
  /** Where its file is. */
  source: string;
}

/** What the fleet has taught. */
export interface DeviceClassStatus {
  /** Generation of the object that this status describes. */
  observedGeneration?: number;
  /** PredictorReady (something predicts energy here) and Ready (every predictor that it names is loaded). */
  conditions?: Condition[];
  /** Devices of this class. */
  devices?: number;
  /** Per predictor. */
  calibration?: CalibrationStatus[];
}

/** What measurements say about one predictor. */
export interface CalibrationStatus {
  /** The predictor. */
  predictor: string;
  /** Its version. */
  version: string;
  /** Measurements used. */
  samples: number;
  /** Running mean of the logarithm of measured over predicted. */
  logBias?: string;
  /** Mean absolute error, in thousandths. */
  errorPermille?: number;
  /** Share of measurements inside the predicted interval, in thousandths. */
  intervalCoveragePermille?: number;
  /** Standard deviation of what measurements leave open of logBias. */
  logBiasSd?: string;
  /** What the half-width of the interval is multiplied with, in logarithms. */
  widthFactor?: string;
  /** Logarithm of widthFactor as it is followed from measurement to measurement; a version is made when the difference shows. */
  logScale?: string;
  /** Different networks among the measurements that are kept. */
  networks?: number;
  /** Measurements compared with the interval that was stated before them. */
  tested?: number;
  /** How many of them were inside. */
  covered?: number;
  /** Sum of the absolute logarithm of measured over predicted, over those that were tested. */
  absoluteLogError?: string;
  /** Measurements that were not learned from, by reason. */
  excluded?: ExcludedMeasurements[];
  /** Meters whose measurements no network explains, nothing of theirs is learned. */
  quarantined?: QuarantinedMeter[];
  /** The newest measurements that were learned from, oldest first. With them calibration goes on after a restart. */
  measurements?: KeptMeasurement[];
  /** Names of the measurements that were looked at, in the order of their times, so that none counts twice. */
  seen?: string[];
}

/** One reason. */
export interface ExcludedMeasurements {
  /** Why: Throttled, BoundaryMismatch, BelowResolution, Quarantined. */
  reason: string;
  /** How many. */
  count: number;
}

/** One meter. */
export interface QuarantinedMeter {
  /** Device and power source. */
  session: string;
  /** Logarithm of measured over predicted of the last implausible measurement. */
  logResidual: string;
  /** Implausible measurements so far. */
  rejected: number;
  /** Plausible ones since; three in a row lift the quarantine. */
  plausible: number;
}

/** One measurement. */
export interface KeptMeasurement {
  /** Digest of the network. */
  model: string;
  /** Device and power source. */
  session: string;
  /** Logarithm of measured over predicted, without calibration. */
  logResidual: string;
  /** Variance of the logarithm of the measured energy. */
  logVariance: string;
  /** Half-width of the predicted interval of 90 %, without calibration, of the logarithm. */
  logHalfWidth: string;
}
