// Generated from crds/*.yaml by crds/generate.ts: change the YAML, then run `npm run generate`.
import type { Condition, KubeObject } from '../kube/api/objects.ts';
import type { Boundary, ClassKeyParts } from './shared.ts';

/** A board with an agent. The controller creates it empty when the device joins. */
export interface EdgeDevice extends KubeObject {
  spec: EdgeDeviceSpec;
  status?: EdgeDeviceStatus;
}

/** What people want of the device. */
export interface EdgeDeviceSpec {
  /** The device class, instead of the one that is detected. */
  deviceClassName?: string;
  /** Most that all models on it may draw together, idle power included. Power with its unit, such as 2.5W (mW, W, kW). */
  powerCap?: string;
  /** Keep deployments away that do not tolerate them. */
  taints?: {
    /** Its key. */
    key: string;
    /** Its value. */
    value?: string;
    /** NoPlacement keeps new deployments away, NoServing moves those that serve too. */
    effect: 'NoPlacement' | 'NoServing';
  }[];
  /** Place nothing new on it. Absent: false. */
  unschedulable?: boolean;
  /** Activate no new revision; download goes on. Absent: false. */
  hold?: boolean;
  /** New revisions are activated only in these windows. Empty: at any time. */
  maintenanceWindows?: {
    /** When it opens: five cron fields. */
    schedule: string;
    /** How long it stays open. */
    durationMinutes: number;
    /** Time zone of the schedule, such as Europe/Vienna. Absent: UTC. */
    timeZone?: string;
  }[];
}

/** What the agent reports. deviceClassName, assigned and the condition Ready are the controller's. */
export interface EdgeDeviceStatus {
  /** Generation of the object that this status describes. */
  observedGeneration?: number;
  /** PowerMeasured, MemoryPressure, DiskPressure, ThermalPressure and ClockSynchronized from the agent; Ready from the controller. */
  conditions?: Condition[];
  /** Version of the agent. */
  agentVersion?: string;
  /** Where the device can be reached. */
  addresses?: {
    /** What answers there. */
    type: 'OpenInference' | 'Metrics';
    /** Its URL. */
    url: string;
  }[];
  /** Board model, as the hardware names it. */
  boardModel?: string;
  /** Processor architecture. */
  architecture?: string;
  /** Operating system. */
  operatingSystem?: string;
  /** Whether its power is simulated. */
  simulated?: boolean;
  /** What decides which predictor fits. */
  classKey?: ClassKeyParts;
  /** Execution providers that the runtime offers. */
  executionProviders?: string[];
  /** What the device has. */
  capacity?: {
    /** Memory. A quantity such as 256Mi, or a number of bytes. */
    memory?: string | number;
    /** Storage of the artifacts. A quantity such as 256Mi, or a number of bytes. */
    storage?: string | number;
    /** Processors. */
    cpus?: number;
  };
  /** What models may use of it. */
  allocatable?: {
    /** Memory. A quantity such as 256Mi, or a number of bytes. */
    memory?: string | number;
    /** Storage. A quantity such as 256Mi, or a number of bytes. */
    storage?: string | number;
  };
  /** What can measure power here. */
  powerSources?: PowerSourceStatus[];
  /** Measured power of the idle device. */
  idlePower?: IdlePowerReading[];
  /** Charge of the battery, in steps of five. */
  batteryPercent?: number;
  /** Why the device is slowed down. */
  throttled?: string[];
  /** Artifacts that are on the device. */
  cachedDigests?: string[];
  /** The device class that applies. */
  deviceClassName?: string;
  /** What this device should run. An instance stops only because it is no longer listed here. */
  assigned?: AssignedInstance[];
}

/** One power source. */
export interface PowerSourceStatus {
  /** Its name. */
  name: string;
  /** Its kind, such as ina3221. */
  kind: string;
  /** What it covers. Board is its input, Module lies after the carrier board, Package is the chip, CoreRail its core supply. Values of different boundaries are never compared. */
  boundary: Boundary;
  /** Smallest step it can show. */
  resolution?: string;
  /** Least energy per inference that it can tell from nothing. */
  minimumDetectableEnergy?: string;
  /** Time between two readings. */
  intervalMilliseconds?: number;
}

/** One measurement. */
export interface IdlePowerReading {
  /** What it covers. Board is its input, Module lies after the carrier board, Package is the chip, CoreRail its core supply. Values of different boundaries are never compared. */
  boundary: Boundary;
  /** The power. */
  value: string;
  /** The power source. */
  source: string;
  /** When. */
  time: string;
  /** Temperature of the processor then. */
  temperatureCelsius?: number;
}

/** One ModelInstance. */
export interface AssignedInstance {
  /** Its namespace. */
  namespace: string;
  /** Its name. */
  name: string;
  /** Its uid. */
  uid: string;
  /** Its generation. */
  generation: number;
}
