// Generated from crds/*.yaml by crds/generate.ts: change the YAML, then run `npm run generate`.
import type { Condition, KubeObject } from '../kube/api/objects.ts';
import type { Budget } from './model-deployment.ts';
import type { Boundary, Interval, Quantity, Runtime, Serving } from './shared.ts';

/** One deployment on one device: what a Pod is to a Deployment. The controller writes the spec, the agent the status. */
export interface ModelInstance extends KubeObject {
  spec: ModelInstanceSpec;
  status?: ModelInstanceStatus;
}

/** What one device should load and serve. */
export interface ModelInstanceSpec {
  /** The device. It never changes: another device is another instance. */
  deviceName: string;
  /** The ModelDeployment this belongs to. */
  deploymentName: string;
  /** Its uid. */
  deploymentUid: string;
  /** What serves. */
  active?: Slot;
  /** What is tested beside it. */
  candidate?: Slot;
  /** What stays on disk to go back to. */
  previous?: Slot;
  /** Share of live requests that the candidate answers; 0 only shadows. */
  candidateSharePercent?: number;
  /** Parallel loads the candidate beside the active model, Recreate in its place. Absent: Parallel. */
  strategy?: 'Parallel' | 'Recreate';
  /** An order to run the controlled energy loop. */
  energyTest?: EnergyTestOrder;
  /** An order to compare how the candidate and the active model answer live requests. */
  trafficTest?: TrafficTestOrder;
}

/** A revision, and all that a device needs to load, serve and judge it. */
export interface Slot {
  /** The ControllerRevision it was made from. */
  revision: string;
  /** The ModelVersion. */
  modelVersionName: string;
  /** The model's own version. */
  modelVersion: string;
  /** The variant. */
  variant: string;
  /** What the graph must hash to. sha256: and 64 hexadecimal digits. */
  digest: string;
  /** Length of the graph. A quantity such as 256Mi, or a number of bytes. */
  size: string | number;
  /** Files beside the graph. */
  externalData?: {
    /** Path as the graph names it, relative to the graph's own folder. */
    path: string;
    /** What it must hash to. sha256: and 64 hexadecimal digits. */
    digest: string;
    /** Its length. A quantity such as 256Mi, or a number of bytes. */
    size?: string | number;
  }[];
  /** Names of the classes, in the order of the output. */
  classLabels?: string[];
  /** Samples that the model must answer right after loading. */
  goldenSet?: {
    /** What the golden set must hash to. sha256: and 64 hexadecimal digits. */
    digest: string;
    /** Its length. A quantity such as 256Mi, or a number of bytes. */
    size?: string | number;
    /** How it is scored. */
    metric: 'Accuracy' | 'Agreement';
    /** Least score, in thousandths. */
    minimumPermille: number;
  };
  /** What inputs looked like in training. */
  driftReference?: {
    /** What it must hash to. sha256: and 64 hexadecimal digits. */
    digest: string;
    /** Its length. A quantity such as 256Mi, or a number of bytes. */
    size?: string | number;
  };
  /** How it is run. */
  runtime?: Runtime;
  /** How it is reached. */
  serving?: Serving;
  /** What it may use on this device. */
  budget?: Budget;
  /** Memory that it takes while it serves, from the analysis. A quantity such as 256Mi, or a number of bytes. */
  peakMemory?: string | number;
}

/** An order to run the controlled energy loop. */
export interface EnergyTestOrder {
  /** Names the order: a test with the same id is not run again. */
  id: string;
  /** Absolute measures the candidate, Paired compares it with the active model. */
  kind: 'Absolute' | 'Paired';
  /** Windows, or quads of windows when paired, to run. More of the same id are another measurement. */
  windows: number;
}

/** An order to compare how the candidate and the active model answer live requests. */
export interface TrafficTestOrder {
  /** Names the order: a test with the same id is not run again. */
  id: string;
  /** How long requests are counted at least. */
  windowSeconds: number;
  /** How many requests the candidate must have answered, or seen as a shadow. */
  minimumInferences: number;
  /** Give each request that the candidate answers to the active model as well, to compare the answers. A shadow always compares. Absent: false. */
  compareAnswers?: boolean;
}

/** What the agent does and measures. Conditions Ready and DeviceReachable are the controller's. */
export interface ModelInstanceStatus {
  /** Generation of the object that this status describes. */
  observedGeneration?: number;
  /** Where the instance is between a declaration and serving. */
  phase?: InstancePhase;
  /** Downloaded, Loaded, Serving and BudgetRespected from the agent; Ready and DeviceReachable from the controller. */
  conditions?: Condition[];
  /** One entry per revision on the device. */
  revisions?: RevisionStatus[];
  /** Tests: the energy loop and live traffic, written at every look. */
  tests?: EnergyTestStatus[];
  /** The agent went back to the previous revision by itself and stays there until active.revision changes. */
  localRollback?: {
    /** The revision it left. */
    revision: string;
    /** Why, as one word for machines. */
    reason: string;
    /** Why, for people: the thing, the number and the next step. */
    message?: string;
    /** When. */
    time: string;
  };
}

/** Where the instance is between a declaration and serving. */
export type InstancePhase = 'Pending' | 'Downloading' | 'Loading' | 'Serving' | 'Failed' | 'Stopped';

/** One revision on this device. */
export interface RevisionStatus {
  /** The revision. */
  revision: string;
  /** Its slot. */
  slot: 'Active' | 'Candidate' | 'Previous';
  /** How far it is. */
  phase: InstancePhase;
  /** Why, as one word for machines. */
  reason?: string;
  /** Why, for people: the thing, the number and the next step. */
  message?: string;
  /** Bytes of it on the device. */
  bytesDownloaded?: number;
  /** Time that the first load on this device took. */
  loadMilliseconds?: number;
  /** Resident memory of its process. A quantity such as 256Mi, or a number of bytes. */
  residentMemory?: string | number;
  /** Requests answered on this device, over restarts. */
  inferences?: number;
  /** Requests that failed on this device, over restarts. */
  errors?: number;
  /** Time to answer, in microseconds. */
  latencyMicroseconds?: {
    /** Median. */
    p50: number;
    /** 95th percentile. */
    p95: number;
    /** 99th percentile. */
    p99: number;
  };
  /** What the runtime really used. */
  executionProviders?: string[];
  /** Energy per inference. Absent when there is no measurement: energyAbsent says why. */
  energy?: EnergyReading;
  /** Why there is no energy. */
  energyAbsent?: AbsentReading;
  /** Everything measured in the last window divided by its inferences. Shown, never compared with a budget. */
  windowEnergy?: string;
  /** What was measured of the budget's power amounts, one entry per amount that can be told. */
  powerReadings?: PowerReading[];
  /** While it is throttled, the share of the time that it may be busy, in thousandths. */
  dutyPermille?: number;
  /** Share of the time that the power source covered, in thousandths. */
  coveragePermille?: number;
  /** Result of the golden set. */
  golden?: {
    /** How it was scored. */
    metric: string;
    /** The score, in thousandths. */
    permille: number;
    /** Samples. */
    samples: number;
    /** Whether it was enough. */
    passed: boolean;
    /** When. */
    time: string;
  };
  /** Drift of the inputs. */
  drift?: {
    /** Whether inputs have drifted. */
    detected: boolean;
    /** Which features. */
    features: string[];
    /** When it was detected. */
    time?: string;
  };
}

/** Measured energy per inference. */
export interface EnergyReading extends Interval {
  /** Which energy this is. Active energy includes the board's idle share while it serves; Marginal energy is above idle. */
  quantity: Quantity;
  /** What the meter covers. Board is its input, Module lies after the carrier board, Package is the chip, CoreRail its core supply. Values of different boundaries are never compared. */
  boundary: Boundary;
  /** The power source. */
  source: string;
  /** How the energy was told apart from that of others. */
  attribution: 'Controlled' | 'Exclusive' | 'Shared';
  /** Inferences it stands on. */
  inferences: number;
  /** When it was measured. */
  time: string;
}

/** Why a number is absent: never zero, never the last value. */
export interface AbsentReading {
  /** Why, as one word for machines. */
  reason: string;
  /** Why, for people: the thing, the number and the next step. */
  message: string;
}

/** Measured power or energy of a day, with what it covers. */
export interface PowerReading extends Interval {
  /** The amount of the budget that it is compared with. */
  name: 'AveragePower' | 'EnergyPerDay';
  /** Marginal is above idle, Whole is all that the board draws. */
  powerBasis: 'Marginal' | 'Whole';
  /** What the meter covers. Board is its input, Module lies after the carrier board, Package is the chip, CoreRail its core supply. Values of different boundaries are never compared. */
  boundary: Boundary;
  /** The power source. */
  source: string;
  /** Time that the reading looks back over; a day at most. */
  seconds: number;
  /** Share of that time that was measured, in thousandths. The rest is not filled. */
  coveragePermille: number;
  /** When it was measured. */
  time: string;
}

/** One test. */
export interface EnergyTestStatus {
  /** The id of the order. */
  id: string;
  /** The kind of the order. Traffic compares live requests. */
  kind: 'Absolute' | 'Paired' | 'Traffic';
  /** How far it is. */
  state: 'Waiting' | 'Running' | 'Completed' | 'Aborted';
  /** Why, as one word for machines. */
  reason?: string;
  /** Why, for people: the thing, the number and the next step. */
  message?: string;
  /** Windows, quads or requests that were ordered. */
  windows: number;
  /** Windows, quads or requests that are done. */
  windowsDone: number;
  /** Single windows of the loop that were begun, those that were disturbed and those of earlier looks too: what energyTest.maximumWindows bounds. */
  windowsTried?: number;
  /** Mean of the natural logarithm of joules (Absolute) or of the ratio of candidate to active (Paired). */
  meanLog?: string;
  /** Variance of the same. */
  varianceLog?: string;
  /** Energy per inference of the candidate. */
  energy?: EnergyReading;
  /** Why there is no energy. */
  energyAbsent?: AbsentReading;
  /** Inferences of the loop. */
  inferences?: number;
  /** Inferences that failed. */
  errors?: number;
  /** 95th percentile of the time to answer. */
  p95LatencyMicroseconds?: number;
  /** Lower end of the 95 % interval of that percentile. */
  p95LowerMicroseconds?: number;
  /** Upper end of it. */
  p95UpperMicroseconds?: number;
  /** The same of the active model in the same time, for kinds Paired and Traffic. */
  active?: TrafficFigures;
  /** Answers that were compared. */
  compared?: number;
  /** Share of equal answers, in thousandths. */
  agreementPermille?: number;
  /** Why the board was throttled while the windows ran. Such energy is valid for this board as it is, and teaches nothing about its class. */
  throttled?: string[];
  /** What the test itself has used. */
  energySpent?: string;
  /** When it began. */
  startTime?: string;
  /** When this was written. */
  time?: string;
}

/** The same of the active model in the same time, for kinds Paired and Traffic. */
export interface TrafficFigures {
  /** Requests it answered. */
  inferences: number;
  /** Requests that failed. */
  errors: number;
  /** 95th percentile of the time to answer. */
  p95LatencyMicroseconds?: number;
  /** Lower end of the 95 % interval of that percentile. */
  p95LowerMicroseconds?: number;
  /** Upper end of it. */
  p95UpperMicroseconds?: number;
}
