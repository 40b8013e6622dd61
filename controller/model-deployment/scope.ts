// The working paper of one pass: what was read, and the drafts that phases change. Written out once at the end.
import type { EdgeDevice } from '../../crds/edge-device.ts';
import type { ModelInstance, ModelInstanceSpec, RevisionStatus, Slot } from '../../crds/model-instance.ts';
import type { Condition, Stored } from '../../kube/api/objects.ts';
import { findCondition } from '../../kube/meta/conditions.ts';
import { type BudgetQuestion, budgetFor } from '../estimate/budget-question.ts';
import type { VariantChoice } from '../estimate/choose-variant.ts';
import { criteriaHashOf, type TargetRevision } from './revision.ts';
import { type Rejection, type RolloutState, readRejections, readRolloutState } from './revision-memory.ts';
import type { DeploymentWorld } from './world.ts';

export type SlotSet = Pick<
  ModelInstanceSpec,
  'active' | 'candidate' | 'previous' | 'candidateSharePercent' | 'strategy' | 'energyTest' | 'trafficTest'
>;

/** One instance with its device. */
export interface Member {
  instance: Stored<ModelInstance>;
  device?: Stored<EdgeDevice>;
  /** Its agent sends heartbeats. */
  reachable: boolean;
  /** Draft: phases replace it. */
  slots: SlotSet;
}

export interface ClassGroup {
  className: string;
  budget: BudgetQuestion;
  members: Member[];
  /** For the target revision; set by the admit phase. */
  choice?: VariantChoice;
}

export interface Finding {
  status: Condition['status'];
  reason: string;
  message: string;
}

/** What the present rollout says about a class, for people. */
export interface ClassAnalysis {
  verdict: 'Successful' | 'Failed' | 'Inconclusive' | 'Running';
  reason: string;
  message: string;
  look?: number;
}

export interface PlannedEvent {
  type: 'Normal' | 'Warning';
  reason: string;
  action: string;
  note: string;
}

export interface Memory {
  state?: RolloutState;
  rejections: Rejection[];
}

export interface Scope {
  readonly world: DeploymentWorld;
  readonly criteriaHash: string;
  /** Sorted by class name; classes that placement may use but that hold no instance are there with no members. */
  readonly groups: ClassGroup[];
  /** Drafts of what is remembered, by revision name. */
  readonly memory: Map<string, Memory>;
  readonly analyses: Map<string, ClassAnalysis>;
  readonly events: PlannedEvent[];
  /** Promotions that this pass carried out: they hold for every class that waits at the step. */
  readonly promotions: Set<string>;
  readonly findings: Map<string, Finding>;
  /** Set by the resolve phase. */
  target?: TargetRevision;
  /** Soonest time at which something is due without an event, seconds from now. */
  recheckSeconds?: number;
}

const unknownClass = 'unknown';

export function createScope(world: DeploymentWorld): Scope {
  const chosen = world.placement && new Set(world.placement.chosen);
  const members = world.instances
    // What placement is about to remove is not moved any more.
    .filter((instance) => chosen?.has(instance.spec.deviceName) ?? true)
    .map((instance) => memberOf(world, instance));
  const names = new Set([
    ...world.representatives.keys(),
    ...members.map((member) => member.device?.status?.deviceClassName ?? unknownClass),
  ]);
  return {
    world,
    criteriaHash: criteriaHashOf(world.deployment),
    groups: [...names].sort().map((className) => ({
      className,
      budget: budgetFor(world.deployment, className),
      members: members.filter((member) => (member.device?.status?.deviceClassName ?? unknownClass) === className),
    })),
    memory: new Map(
      world.revisions.map((revision) => {
        const state = readRolloutState(revision);
        return [revision.metadata.name, { rejections: readRejections(revision), ...(state === undefined ? {} : { state }) }];
      }),
    ),
    analyses: new Map(),
    events: [],
    promotions: new Set(),
    findings: new Map(),
  };
}

function memberOf(world: DeploymentWorld, instance: Stored<ModelInstance>): Member {
  const device = world.devices.get(instance.spec.deviceName);
  const { active, candidate, previous, candidateSharePercent, strategy, energyTest, trafficTest } = instance.spec;
  return {
    instance,
    ...(device === undefined ? {} : { device }),
    reachable: findCondition(device?.status?.conditions, 'Ready')?.status === 'True',
    slots: withoutAbsent({ active, candidate, previous, candidateSharePercent, strategy, energyTest, trafficTest }),
  };
}

/** Absent and undefined are the same to readers, not to the compiler and not on the wire. */
export function withoutAbsent(slots: { [K in keyof SlotSet]: SlotSet[K] | undefined }): SlotSet {
  return Object.fromEntries(Object.entries(slots).filter(([, value]) => value !== undefined)) as SlotSet;
}

export function membersOf(scope: Scope): Member[] {
  return scope.groups.flatMap((group) => group.members);
}

export function revisionStatus(member: Member, revision: string | undefined): RevisionStatus | undefined {
  return member.instance.status?.revisions?.find((candidate) => candidate.revision === revision);
}

/** The slot's revision answers requests there, as its agent last said. What is active here may still be the agent's candidate. */
export function serves(member: Member, slot: Slot | undefined): boolean {
  if (slot === undefined) return false;
  const status = revisionStatus(member, slot.revision);
  return status?.phase === 'Serving' && (slot !== member.slots.active || status.slot === 'Active');
}

/** Its people or its maintenance windows keep it as it is for now: pending, not late. */
export function isHeld({ instance, device }: Pick<Member, 'instance' | 'device'>): boolean {
  if (device?.spec.hold === true) return true;
  const { conditions, revisions = [] } = instance.status ?? {};
  return (
    findCondition(conditions, 'Serving')?.reason === 'Suspended' || revisions.some((revision) => revision.reason === 'Suspended')
  );
}

export function rejectionOf(scope: Scope, revision: string, className: string): Rejection | undefined {
  return scope.memory
    .get(revision)
    ?.rejections.find((entry) => entry.deviceClassName === className && entry.criteriaHash === scope.criteriaHash);
}

/** Remembers that a revision failed on a class; once per criteria. */
export function reject(scope: Scope, revision: string, className: string, cause: { reason: string; message: string }): void {
  if (rejectionOf(scope, revision, className)) return;
  const memory = scope.memory.get(revision) ?? { rejections: [] };
  // A newer judgement of the class replaces what older criteria said.
  const others = memory.rejections.filter((entry) => entry.deviceClassName !== className);
  memory.rejections = [
    ...others,
    { deviceClassName: className, criteriaHash: scope.criteriaHash, ...cause, time: timeOf(scope) },
  ];
  scope.memory.set(revision, memory);
  scope.events.push({
    type: 'Warning',
    reason: cause.reason,
    action: 'Reject',
    note: `${revision} is rejected on ${className}: ${cause.message}`,
  });
}

export function timeOf(scope: Scope): string {
  return new Date(scope.world.nowMilliseconds).toISOString();
}

export function recheckAfter(scope: Scope, seconds: number): void {
  scope.recheckSeconds = Math.max(1, Math.min(seconds, scope.recheckSeconds ?? seconds));
}
