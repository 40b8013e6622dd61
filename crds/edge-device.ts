import type { Condition, KubeObject } from '../kube/api/objects.ts';
import type { Boundary, ClassKeyParts } from './shared.ts';

/** A board with an agent. */
export interface EdgeDevice extends KubeObject {
  spec: EdgeDeviceSpec;
  status?: EdgeDeviceStatus;
}

export interface EdgeDeviceSpec {
  deviceClassName?: string;
  powerCap?: string;
  taints?: { key: string; value?: string; effect: 'NoPlacement' | 'NoServing' }[];
  unschedulable?: boolean;
  hold?: boolean;
  maintenanceWindows?: { schedule: string; durationMinutes: number; timeZone?: string }[];
}

export interface AssignedInstance {
  namespace: string;
  name: string;
  uid: string;
  generation: number;
}

export interface PowerSourceStatus {
  name: string;
  kind: string;
  boundary: Boundary;
  resolution?: string;
  minimumDetectableEnergy?: string;
  intervalMilliseconds?: number;
}

export interface IdlePowerReading {
  boundary: Boundary;
  value: string;
  source: string;
  time: string;
  temperatureCelsius?: number;
}

export interface EdgeDeviceStatus {
  observedGeneration?: number;
  conditions?: Condition[];
  // the agent's fields
  agentVersion?: string;
  addresses?: { type: 'OpenInference' | 'Metrics'; url: string }[];
  boardModel?: string;
  architecture?: string;
  operatingSystem?: string;
  simulated?: boolean;
  classKey?: ClassKeyParts;
  executionProviders?: string[];
  capacity?: { memory?: string | number; storage?: string | number; cpus?: number };
  allocatable?: { memory?: string | number; storage?: string | number };
  powerSources?: PowerSourceStatus[];
  idlePower?: IdlePowerReading[];
  batteryPercent?: number;
  throttled?: string[];
  cachedDigests?: string[];
  // the controller's fields
  deviceClassName?: string;
  assigned?: AssignedInstance[];
}
