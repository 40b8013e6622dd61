// One pass over a ModelDeployment as a value: a world in, everything to write out. Pure.
import type { ModelDeploymentStatus } from '../../crds/model-deployment.ts';
import type { ModelInstance } from '../../crds/model-instance.ts';
import type { ControllerRevision } from '../../kube/api/builtins.ts';
import type { Stored } from '../../kube/api/objects.ts';
import type { Outcome } from '../../kube/runtime/controller.ts';
import { sameContent } from '../content-hash.ts';
import { runCommands } from './commands.ts';
import { judgeRespected } from './measured/budget-respected.ts';
import type { Phase, PhaseResult } from './phase.ts';
import { admit } from './phases/admit.ts';
import { enforce } from './phases/enforce.ts';
import { place } from './phases/place.ts';
import { resolve } from './phases/resolve.ts';
import { rollOut } from './phases/roll-out.ts';
import { newRevision } from './revision.ts';
import { changesAnnotations, memoryAnnotations } from './revision-memory.ts';
import { createScope, type Finding, membersOf, type PlannedEvent, type Scope, type SlotSet, withoutAbsent } from './scope.ts';
import { type Concluded, describeDeployment, describeSuspended } from './status/status.ts';
import type { DeploymentWorld } from './world.ts';

export interface DeploymentPlan {
  status: ModelDeploymentStatus;
  outcome: Outcome;
  /** To create before anything refers to it. */
  newRevision?: ControllerRevision;
  /** Annotations and number of revisions that exist. */
  revisionChanges: { revision: Stored<ControllerRevision>; annotations: Record<string, string | null>; number?: number }[];
  slotChanges: { instance: Stored<ModelInstance>; slots: SlotSet }[];
  surplusRevisions: Stored<ControllerRevision>[];
  events: PlannedEvent[];
}

/** Until the first that is not done. Enforcement runs before, always; the conditions of a summary come after. */
const phases: readonly Phase[] = [resolve, admit, place, rollOut];

const defaultHistoryLimit = 10;

export function planDeployment(world: DeploymentWorld): DeploymentPlan {
  const scope = createScope(world);
  if (world.deployment.spec.suspend === true)
    return {
      status: describeSuspended(scope),
      outcome: { kind: 'done' },
      revisionChanges: [],
      slotChanges: [],
      surplusRevisions: [],
      events: [],
    };
  enforce(scope);
  const concluded = runPhases(scope);
  const status = describeDeployment(scope, concluded);
  const changes = revisionChanges(scope);
  return {
    status,
    outcome: outcomeOf(scope, concluded),
    ...changes,
    slotChanges: membersOf(scope).flatMap(({ instance, slots }) =>
      sameContent(slotsOf(instance), slots) ? [] : [{ instance, slots }],
    ),
    surplusRevisions: surplusRevisions(scope),
    events: scope.events,
  };
}

function runPhases(scope: Scope): Concluded {
  const findings = new Map<string, Finding>();
  let blocking: Concluded['blocking'];
  for (const phase of phases) {
    if (blocking) {
      findings.set(phase.condition, { status: 'Unknown', reason: 'NotReached', message: `waits for ${blocking.condition}` });
      continue;
    }
    const result = phase.run(scope);
    findings.set(phase.condition, { status: statusOf(result), reason: result.reason, message: result.message });
    if (result.kind === 'waiting' || result.kind === 'stalled') blocking = { condition: phase.condition, result };
    if (phase.condition === 'ModelResolved') runCommands(scope);
  }
  // Not all that was asked for: later phases have worked with what there is, and Ready still waits.
  const placed = findings.get('Placed');
  if (!blocking && placed?.status === 'False')
    blocking = { condition: 'Placed', result: { kind: 'waiting', reason: placed.reason, message: placed.message } };
  findings.set('BudgetRespected', judgeRespected(scope));
  return { findings, ...(blocking === undefined ? {} : { blocking }) };
}

function statusOf(result: PhaseResult): Finding['status'] {
  switch (result.kind) {
    case 'done':
      return 'True';
    case 'unknown':
      return 'Unknown';
    case 'partly':
    case 'waiting':
    case 'stalled':
      return 'False';
  }
}

function outcomeOf(scope: Scope, { blocking }: Concluded): Outcome {
  const { recheckSeconds } = scope;
  if (recheckSeconds !== undefined)
    return {
      kind: 'requeueAfter',
      seconds: recheckSeconds,
      reason: blocking?.result.reason ?? 'Progressing',
      message: blocking?.result.message ?? 'something is due',
    };
  if (blocking?.result.kind === 'stalled')
    return { kind: 'stalled', reason: blocking.result.reason, message: blocking.result.message };
  return { kind: 'done' };
}

function revisionChanges(scope: Scope): Pick<DeploymentPlan, 'newRevision' | 'revisionChanges'> {
  const { revisions, deployment } = scope.world;
  const { target } = scope;
  const newest = revisions.at(-1);
  const changes: DeploymentPlan['revisionChanges'] = [];
  for (const revision of revisions) {
    const memory = scope.memory.get(revision.metadata.name);
    if (!memory) continue;
    const annotations = memoryAnnotations(memory.state, memory.rejections);
    // A revision that is asked for again becomes the newest one.
    const returns = revision.metadata.name === target?.name && revision !== newest;
    if (changesAnnotations(revision, annotations) || returns)
      changes.push({ revision, annotations, ...(returns ? { number: (newest?.revision ?? 0) + 1 } : {}) });
  }
  if (!target || revisions.some((revision) => revision.metadata.name === target.name)) return { revisionChanges: changes };
  const memory = scope.memory.get(target.name);
  const created = newRevision(deployment, target, (newest?.revision ?? 0) + 1);
  const remembered = Object.entries(memoryAnnotations(memory?.state, memory?.rejections ?? [])).filter(
    (pair): pair is [string, string] => pair[1] !== null,
  );
  return {
    newRevision: { ...created, metadata: { ...created.metadata, annotations: Object.fromEntries(remembered) } },
    revisionChanges: changes,
  };
}

function slotsOf({ spec }: ModelInstance): SlotSet {
  const { active, candidate, previous, candidateSharePercent, strategy, energyTest, trafficTest } = spec;
  return withoutAbsent({ active, candidate, previous, candidateSharePercent, strategy, energyTest, trafficTest });
}

/** Beyond the limit the oldest go, except those that some device may still need. */
function surplusRevisions(scope: Scope): Stored<ControllerRevision>[] {
  const limit = scope.world.deployment.spec.revisionHistoryLimit ?? defaultHistoryLimit;
  const needed = new Set([
    scope.target?.name,
    ...membersOf(scope).flatMap(({ slots, instance }) =>
      [slots.active, slots.candidate, slots.previous, instance.spec.active, instance.spec.previous].map((slot) => slot?.revision),
    ),
  ]);
  const idle = scope.world.revisions.filter((revision) => !needed.has(revision.metadata.name));
  return idle.slice(0, Math.max(0, idle.length - limit));
}
