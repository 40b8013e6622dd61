// What a plan says: plain data, the same for text, JSON and Markdown.
import type { CandidateStatus } from '../../crds/model-deployment.ts';
import type { Boundary } from '../../crds/shared.ts';
import type { Estimate } from '../../energy/prediction/prediction.ts';

export type Outcome =
  /** Its budget admits it, and every device that it asks for was found. */
  | 'Admitted'
  /** As Admitted, but a test on the device decides first. */
  | 'Canary'
  /** Its budget refuses it, on every class that it may use. */
  | 'Refused'
  /** Admitted, and fewer devices were found than it asks for. */
  | 'Short'
  /** Its model version is missing, damaged or not supported. */
  | 'Unresolved'
  /** The revision that it asks for has failed on its devices before, under the same criteria. */
  | 'Rejected'
  | 'Suspended';

export interface PlannedPlacement {
  device: string;
  deviceClass: string;
  variant?: string;
  /** Whether a test comes first. */
  admission: 'Direct' | 'Canary' | 'Kept';
  boundary: Boundary;
  joulesPerInference?: Estimate;
  /** What it adds at its declared load. */
  watts?: Estimate;
  /** Why there are no watts. */
  unknown?: string;
}

export interface PlannedDeployment {
  /** namespace/name */
  name: string;
  modelVersion: string;
  outcome: Outcome;
  reason: string;
  /** Names the number that decided. */
  message: string;
  desired: number;
  placements: PlannedPlacement[];
  /** Devices that were not chosen, nearest first, with the number that decided. */
  misses: CandidateStatus[];
  candidateCounts: Record<string, number>;
}

export type Change = 'Added' | 'Changed' | 'Affected' | 'Unchanged' | 'Removed';

export interface ComparedDeployment {
  name: string;
  /** Affected: nobody touched it, and its outcome or its devices differ all the same. */
  change: Change;
  before?: PlannedDeployment;
  after?: PlannedDeployment;
}

/** What models add at one boundary. Bounds are added: errors of one predictor have one sign. */
export interface BoundaryEnergy {
  boundary: Boundary;
  before: ModelPower;
  after: ModelPower;
  /** Over the placements that differ: what stays adds nothing, also not to the interval. */
  changeWatts: Estimate;
  /** What the fleet's devices draw at rest, where that is known at this boundary. */
  idle: { watts: number; devices: number; unknownDevices: number };
}

export interface ModelPower {
  watts: Estimate;
  joulesPerDay: Estimate;
  placements: number;
  /** Placements that are in no sum: without a declared load, or without a prediction. */
  unknownPlacements: number;
}

export interface FleetPlan {
  deployments: ComparedDeployment[];
  energy: BoundaryEnergy[];
  devices: number;
  /** Decided something, and could not be known here. */
  warnings: string[];
}

export function isProblem(deployment: PlannedDeployment | undefined): boolean {
  return deployment !== undefined && ['Refused', 'Short', 'Unresolved', 'Rejected'].includes(deployment.outcome);
}

/** What a change is answered no for: problems that it makes or touches, not those that were there before and stay as they were. */
export function problemsOf(plan: FleetPlan): ComparedDeployment[] {
  return plan.deployments.filter(({ change, after }) => isProblem(after) && change !== 'Unchanged');
}
