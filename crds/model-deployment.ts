// Generated from crds/*.yaml by crds/generate.ts: change the YAML, then run `npm run generate`.
import type { Condition, KubeObject } from '../kube/api/objects.ts';
import type { Boundary, EnergyVerdict, Interval, Runtime, Serving } from './shared.ts';

/** This model, on such devices, within this energy budget. */
export interface ModelDeployment extends KubeObject {
  spec: ModelDeploymentSpec;
  status?: ModelDeploymentStatus;
}

/** What should run, where, and what it may cost. */
export interface ModelDeploymentSpec {
  /** The ModelVersion to run, in the same namespace. */
  modelVersionName: string;
  /** What the model may use on each device. At least one amount. */
  budget: Budget;
  /** The load to plan for, on each device. */
  load?: {
    /** Requests that each device answers; needed to judge averagePower and energyPerDay before anything runs. A rate with its unit, such as 5/s or 12/min (/s, /min, /h, /d). */
    requestRate?: string;
  };
  /** What a device and a variant must offer. */
  requirements?: Requirements;
  /** Which devices. */
  placement: Placement;
  /** Who keeps a device when its power cap is lowered: the higher number. Absent: 0. */
  priority?: number;
  /** How the model is run. */
  runtime?: Runtime;
  /** How applications reach the model. Absent: over HTTP. */
  serving?: Serving;
  /** How a new revision reaches the devices. */
  rollout?: Rollout;
  /** Its behaviour comes later: until then a condition says NotImplemented when it is used. How drift of the inputs is detected on the device. */
  drift?: DriftPolicy;
  /** Its behaviour comes later: until then a condition says NotImplemented when it is used. Opens a TrainingRun. */
  retrain?: RetrainPolicy;
  /** Stop reconciling; what serves goes on serving. Absent: false. */
  suspend?: boolean;
  /** Revisions that are kept to go back to. Absent: 10. */
  revisionHistoryLimit?: number;
}

/** What the model may use on each device. At least one amount. */
export interface Budget extends BudgetAmounts {
  /** Window of averagePower. */
  windowSeconds?: number;
  /** What the amounts refer to. Board is its input, Module lies after the carrier board, Package is the chip, CoreRail its core supply. Values of different boundaries are never compared. */
  boundary?: Boundary;
  /** Whether the two power amounts count what is above idle (Marginal) or all that the board draws (Whole). */
  powerBasis?: 'Marginal' | 'Whole';
  /** Amounts that differ for a device class. */
  byClass?: {
    /** The device class. */
    deviceClassName: string;
    /** Active energy of one inference. Energy with its unit, such as 80mJ or 5Wh (µJ or uJ, mJ, J, kJ, mWh, Wh). */
    energyPerInference?: string;
    /** Power over windowSeconds, on the basis of powerBasis. Power with its unit, such as 2.5W (mW, W, kW). */
    averagePower?: string;
    /** Energy in any 24 hours, on the basis of powerBasis. Energy with its unit, such as 80mJ or 5Wh (µJ or uJ, mJ, J, kJ, mWh, Wh). */
    energyPerDay?: string;
  }[];
  /** Confidence of the interval that decides. Absent: 90. */
  confidencePercent?: number;
  /** Enforce refuses, rolls back or stops; Warn only says so. */
  enforcement?: 'Enforce' | 'Warn';
  /** When the predicted interval straddles the budget. Absent: Canary. */
  whenUncertain?: 'Canary' | 'Admit' | 'Reject';
  /** When there is no prediction or no power source. Canary tests what can be tested. Absent: Canary. */
  whenUnknown?: 'Canary' | 'Admit' | 'Reject';
  /** When a measurement breaks the budget after promotion. Rollback stops when there is nothing to go back to. Absent: Rollback. */
  whenExceeded?: 'Rollback' | 'Stop' | 'Throttle' | 'Report';
  /** Inferences before a measured verdict. Absent: 200. */
  minimumInferences?: number;
  /** Limits of the controlled energy loop. */
  energyTest?: {
    /** Most windows that one test may take. Absent: 96. */
    maximumWindows?: number;
    /** The loop runs only while the rest of the device uses less of its processors than this. Absent: 20. */
    idleLoadPercent?: number;
  };
}

/** What a budget can limit. */
export interface BudgetAmounts {
  /** Active energy of one inference. Energy with its unit, such as 80mJ or 5Wh (µJ or uJ, mJ, J, kJ, mWh, Wh). */
  energyPerInference?: string;
  /** Power over windowSeconds, on the basis of powerBasis. Power with its unit, such as 2.5W (mW, W, kW). */
  averagePower?: string;
  /** Energy in any 24 hours, on the basis of powerBasis. Energy with its unit, such as 80mJ or 5Wh (µJ or uJ, mJ, J, kJ, mWh, Wh). */
  energyPerDay?: string;
}

/** What a device and a variant must offer. */
export interface Requirements {
  /** 95th percentile of the time to answer. */
  p95LatencyMilliseconds?: number;
  /** Least accuracy, in thousandths. */
  minimumAccuracyPermille?: number;
  /** Memory the device must have free for the model. A quantity such as 256Mi, or a number of bytes. */
  memory?: string | number;
  /** Oldest agent that may run it, such as 0.1.0. */
  minimumAgentVersion?: string;
}

/** Which devices. */
export interface Placement {
  /** Replicas places it on so many devices, EveryDevice on each one that fits. */
  mode?: 'Replicas' | 'EveryDevice';
  /** Devices to run on, for mode Replicas. Absent: 1. */
  replicas?: number;
  /** Labels that a device must have. Absent: any device. */
  deviceSelector?: LabelSelector;
  /** Device classes it may run on. Empty: any class. */
  deviceClassNames?: string[];
  /** Taints of devices that do not keep it away. */
  tolerations?: Toleration[];
  /** LeastEnergy prefers the device where it costs least, Spread the topology domain with the fewest. Absent: LeastEnergy. */
  strategy?: 'LeastEnergy' | 'Spread';
  /** Device label that divides devices into domains, for strategy Spread. */
  topologyKey?: string;
  /** A device must be lost for so long before another takes its place. Absent: 600. */
  failoverSeconds?: number;
  /** Variants that may be used. Empty: any that qualifies, cheapest first. */
  variantNames?: string[];
  /** Its behaviour comes later: until then a condition says NotImplemented when it is used. A cheaper variant while the battery is low. */
  batteryPolicy?: {
    /** Change to a cheaper variant below this charge. */
    belowPercent: number;
    /** Change back only so much above it. Absent: 10. */
    hysteresisPercent?: number;
    /** Whether to change the variant at all. Absent: true. */
    preferCheaperVariant?: boolean;
  };
}

/** Labels that a device must have. Absent: any device. */
export interface LabelSelector {
  /** Labels that must all be equal. */
  matchLabels?: Record<string, string>;
  /** Requirements that must all hold. */
  matchExpressions?: {
    /** The label. */
    key: string;
    /** How the label relates to the values. */
    operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    /** The values, for In and NotIn. */
    values?: string[];
  }[];
}

/** One taint, or several, that are tolerated. */
export interface Toleration {
  /** The taint's key. Absent, with operator Exists: every taint. */
  key?: string;
  /** Equal compares the value, Exists does not. Absent: Equal. */
  operator?: 'Equal' | 'Exists';
  /** The taint's value, for operator Equal. */
  value?: string;
  /** The taint's effect. Absent: any. */
  effect?: 'NoPlacement' | 'NoServing';
}

/** How a new revision reaches the devices. */
export interface Rollout {
  /** Batches, one after the other. Absent: all devices at once. */
  steps?: RolloutStep[];
  /** Share of live requests that the candidate answers while it is tested; 0 only shadows. Absent: 10. */
  candidateSharePercent?: number;
  /** Devices that may be without a serving model at the same time. Absent: 1. */
  maximumUnavailable?: number;
  /** Devices that must have answered before there is a verdict. Absent: 1. */
  minimumDevices?: number;
  /** A rollout that makes no progress for so long waits for a person. Absent: 86400. */
  progressDeadlineSeconds?: number;
  /** When a candidate fails before promotion. Absent: Rollback. */
  onFailure?: 'Rollback' | 'Freeze' | 'Continue';
  /** Parallel loads the candidate beside the active model, Recreate in its place with a gap. Absent: Parallel. */
  strategy?: 'Parallel' | 'Recreate';
  /** Limits that a candidate must keep. */
  analysis?: {
    /** Window of the traffic test. Absent: 300. */
    windowSeconds?: number;
    /** Most failed requests, in thousandths. Absent: 10. */
    maximumErrorPermille?: number;
    /** Most that the 95th percentile may rise over the active model. Absent: 20. */
    maximumLatencyIncreasePercent?: number;
    /** Most that the energy per inference may rise over the active model. Absent: 5. */
    energyMarginPercent?: number;
    /** Least share of answers equal to those of the active model, in thousandths. Absent: not judged. */
    minimumAgreementPermille?: number;
  };
  /** Its behaviour comes later: until then a condition says NotImplemented when it is used. Compares two versions on live requests and reports. */
  experiment?: {
    /** The version to compare with. */
    baselineModelVersionName: string;
    /** The version that is new. */
    challengerModelVersionName: string;
    /** The challenger's share of live requests. Absent: 50. */
    sharePercent?: number;
    /** How long it runs. Absent: 86400. */
    durationSeconds?: number;
    /** What decides. */
    metric?: 'EnergyPerInference' | 'Latency' | 'Agreement' | 'Accuracy';
    /** Promote the winner. Absent: only report. */
    promoteWinner?: boolean;
  };
}

/** One batch: how many devices have the revision after it. */
export interface RolloutStep {
  /** So many devices of each class. */
  devices?: number;
  /** So many percent of the devices of each class, rounded up. */
  percent?: number;
  /** Wait so long after the batch has passed. Absent: 0. */
  pauseSeconds?: number;
  /** Manual waits for the annotation jouleops.dev/promote: <revision>/<step>. Absent: Automatic. */
  gate?: 'Automatic' | 'Manual';
}

/** Its behaviour comes later: until then a condition says NotImplemented when it is used. How drift of the inputs is detected on the device. */
export interface DriftPolicy {
  /** The detector. Absent: Adwin. */
  detector?: 'Adwin' | 'PageHinkley';
  /** Window whose mean is one observation. Absent: 60. */
  windowSeconds?: number;
  /** Features that must drift together for an alarm. Absent: 1. */
  minimumFeatures?: number;
  /** Least time between two alarms. Absent: 3600. */
  cooldownSeconds?: number;
}

/** Its behaviour comes later: until then a condition says NotImplemented when it is used. Opens a TrainingRun. */
export interface RetrainPolicy {
  /** What opens it. Absent: Manual. */
  trigger?: 'Drift' | 'GoldenAccuracy' | 'Manual';
  /** TrainingRun in the same namespace to copy. */
  templateName?: string;
  /** Least time between two runs. Absent: 86400. */
  cooldownSeconds?: number;
  /** What is made of the result. Absent: ModelVersion. */
  publish?: 'ModelVersion' | 'GitCommit';
}

/** What the controller sees and has decided. */
export interface ModelDeploymentStatus {
  /** Generation of the object that this status describes. */
  observedGeneration?: number;
  /** ModelResolved, BudgetAdmitted, Placed, RolledOut, BudgetRespected, Available, Ready; Reconciling and Stalled only while true. */
  conditions?: Condition[];
  /** The ControllerRevision that devices should run. */
  currentRevision?: string;
  /** How many devices. */
  devices?: {
    /** That should run it. */
    desired: number;
    /** That run the current revision. */
    updated: number;
    /** That serve it. */
    ready: number;
    /** That cannot be reached. */
    unreachable: number;
  };
  /** Where an application reaches the model, when the install provides one address. */
  url?: string;
  /** The headline: the class and the amount nearest to its budget. */
  energy?: {
    /** Predicted amount. */
    predicted?: string;
    /** Measured amount. Absent without a power source. */
    measured?: string;
    /** Its budget. */
    budget: string;
    /** How it compares. */
    verdict: EnergyVerdict;
    /** Of this device class. */
    deviceClassName: string;
  };
  /** One entry per device class it runs on. */
  classes?: ClassStatus[];
  /** Devices that were considered: the chosen ones and the nearest misses. Totals are in candidateCounts. */
  candidates?: CandidateStatus[];
  /** How many devices got each verdict. */
  candidateCounts?: Record<string, number>;
  /** The last promote or abort annotation that was carried out. */
  lastHandledCommand?: string;
  /** Revisions that failed here and are not tried again under the same criteria. */
  rejectedRevisions?: {
    /** The revision. */
    revision: string;
    /** For this device class. */
    deviceClassName: string;
    /** Hash of budget, requirements and rollout gates it failed under. */
    criteriaHash: string;
    /** Why, as one word for machines. */
    reason: string;
    /** Why, for people: the thing, the number and the next step. */
    message: string;
    /** When. */
    time: string;
  }[];
  /** The last revisions, newest first. */
  history?: {
    /** The revision. */
    revision: string;
    /** Its ModelVersion. */
    modelVersionName: string;
    /** What became of it. */
    outcome: 'Progressing' | 'Succeeded' | 'RolledBack' | 'Rejected' | 'Superseded';
    /** When it began. */
    startTime: string;
    /** When it ended. */
    endTime?: string;
    /** Its predicted headline amount. */
    predicted?: string;
    /** Its measured headline amount. */
    measured?: string;
    /** In a sentence. */
    message?: string;
  }[];
}

/** The state on one device class. */
export interface ClassStatus {
  /** The device class. */
  deviceClassName: string;
  /** What serves there. */
  revision?: string;
  /** What should serve there. */
  targetRevision?: string;
  /** The variant that was chosen. */
  variant?: string;
  /** Devices of this class. */
  devices: number;
  /** What the amounts refer to. Board is its input, Module lies after the carrier board, Package is the chip, CoreRail its core supply. Values of different boundaries are never compared. */
  boundary: Boundary;
  /** One entry per declared amount. The worst verdict is the verdict of the class. */
  amounts: AmountStatus[];
  /** The step of the rollout. */
  step?: number;
  /** The verdict on the candidate. */
  analysis?: {
    /** The verdict so far. */
    verdict: 'Successful' | 'Failed' | 'Inconclusive' | 'Running';
    /** Why, as one word for machines. */
    reason: string;
    /** Why, for people: the thing, the number and the next step. */
    message: string;
    /** How often the test has been judged. */
    look?: number;
  };
}

/** One amount beside its budget. */
export interface AmountStatus {
  /** Which amount. */
  name: AmountName;
  /** The budget. */
  budget: string;
  /** What the predictor says, with its interval. */
  predicted?: PredictedAmount;
  /** What was measured, with its interval. */
  measured?: MeasuredAmount;
  /** How it compares with the budget. */
  verdict: EnergyVerdict;
  /** Why, as one word for machines. */
  reason?: string;
  /** Why, for people: the thing, the number and the next step. */
  message?: string;
}

/** Which amount. */
export type AmountName = 'EnergyPerInference' | 'AveragePower' | 'EnergyPerDay';

/** What the predictor says, with its interval. */
export interface PredictedAmount extends Interval {
  /** The predictor and its version. */
  predictor: string;
  /** Whether the predictor knows such networks. */
  inDomain: boolean;
  /** Whether it was trained for a different class key. */
  transferred: boolean;
}

/** What was measured, with its interval. */
export interface MeasuredAmount extends Interval {
  /** Inferences it stands on. */
  inferences: number;
  /** The device that measured it, the one that decides of its class. */
  deviceName?: string;
  /** The power source. */
  source: string;
  /** How the energy was told apart from that of others. */
  attribution: 'Controlled' | 'Exclusive' | 'Shared';
  /** When it was measured. */
  time: string;
}

/** One device and variant, and the verdict. */
export interface CandidateStatus {
  /** The device. */
  deviceName: string;
  /** The variant. */
  variant?: string;
  /** Why it was chosen or not. */
  verdict: CandidateVerdict;
  /** Predicted energy per inference there. */
  energyPerInference?: string;
  /** The number that decided. */
  message?: string;
}

/** Why it was chosen or not. */
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
