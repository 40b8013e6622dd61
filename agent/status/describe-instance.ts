// What this agent says of one ModelInstance. Pure.
import type { EnergyTestStatus, InstancePhase, ModelInstanceStatus, RevisionStatus, Slot } from '../../crds/model-instance.ts';
import type { Condition } from '../../kube/api/objects.ts';
import { setCondition } from '../../kube/meta/conditions.ts';
import type { DesiredInstance } from '../assignment/desired-state.ts';

export interface RevisionView {
  slot: RevisionStatus['slot'];
  status: RevisionStatus;
  fetched: boolean;
  loaded: boolean;
}

export interface InstanceView {
  instance: DesiredInstance;
  revisions: readonly RevisionView[];
  /** The revision that answers requests. */
  routed?: string;
  hold: boolean;
  /** Judgement of the energy of what serves. */
  budget: { status: Condition['status']; reason: string; message: string };
  recreateGapMilliseconds?: number;
  tests: readonly EnergyTestStatus[];
}

export function describeInstance(view: InstanceView, before: readonly Condition[], now: string): ModelInstanceStatus {
  const { instance, revisions, tests } = view;
  const goal = goalOf(instance);
  const subject = revisions.find((revision) => revision.status.revision === (goal ?? instance.spec.candidate)?.revision);
  const facts = [
    { type: 'Downloaded', ...downloaded(subject) },
    { type: 'Loaded', ...loaded(subject) },
    { type: 'Serving', ...serving(view, goal, subject) },
    { type: 'BudgetRespected', ...view.budget },
  ];
  let conditions: Condition[] = [...before];
  for (const fact of facts) conditions = setCondition(conditions, { ...fact, observedGeneration: instance.generation }, now);
  return {
    observedGeneration: instance.generation,
    phase: phaseOf(view, goal, subject),
    conditions,
    revisions: revisions.map((revision) => revision.status).slice(0, 3),
    ...(tests.length === 0 ? {} : { tests: tests.slice(-2) }),
    ...(instance.localRollback === undefined ? {} : { localRollback: instance.localRollback }),
  };
}

/** What should answer requests: after a step back of this device's own, the previous one. */
export function goalOf({ spec, localRollback, localStop }: DesiredInstance): Slot | undefined {
  if (spec.active && localRollback?.revision === spec.active.revision) return localStop ? undefined : spec.previous;
  return spec.active;
}

function phaseOf(view: InstanceView, goal: Slot | undefined, subject: RevisionView | undefined): InstancePhase {
  if (!goal && !view.instance.spec.candidate) return 'Stopped';
  if (!subject) return 'Pending';
  return subject.status.phase;
}

type Fact = Pick<Condition, 'status' | 'reason' | 'message'>;

const stopped: Fact = { status: 'False', reason: 'NotReached', message: 'no slot is filled: nothing should run here' };

function downloaded(subject: RevisionView | undefined): Fact {
  if (!subject) return stopped;
  const { status } = subject;
  if (subject.fetched)
    return { status: 'True', reason: 'Verified', message: `the bytes of ${status.revision} are on disk and verified` };
  if (status.phase === 'Failed')
    return { status: 'False', reason: status.reason ?? 'DownloadFailed', message: status.message ?? '' };
  return { status: 'False', reason: 'Progressing', message: `the bytes of ${status.revision} are on their way` };
}

function loaded(subject: RevisionView | undefined): Fact {
  if (!subject) return stopped;
  const { status } = subject;
  if (subject.loaded)
    return { status: 'True', reason: 'Succeeded', message: `${status.revision} is loaded${goldenNote(status)}` };
  if (!subject.fetched) return { status: 'False', reason: 'NotReached', message: 'its bytes are not here yet' };
  if (status.phase === 'Failed') return { status: 'False', reason: status.reason ?? 'LoadFailed', message: status.message ?? '' };
  return { status: 'False', reason: 'Progressing', message: `${status.revision} is being loaded` };
}

function goldenNote({ golden }: RevisionStatus): string {
  return golden ? ` and reaches ${golden.permille} ‰ on ${golden.samples} golden samples` : '';
}

function serving(view: InstanceView, goal: Slot | undefined, subject: RevisionView | undefined): Fact {
  const { instance, routed, hold } = view;
  if (!goal) {
    if (instance.localRollback)
      return {
        status: 'False',
        reason: 'RolledBack',
        message: `stopped here: ${instance.localRollback.message ?? instance.localRollback.reason}`,
      };
    return subject
      ? { status: 'False', reason: 'Testing', message: 'the candidate is loaded for tests and not promoted yet' }
      : stopped;
  }
  const gap = view.recreateGapMilliseconds === undefined ? '' : `; the switch left a gap of ${view.recreateGapMilliseconds} ms`;
  if (routed === goal.revision) {
    if (subject?.status.phase === 'Serving')
      return { status: 'True', reason: 'Succeeded', message: `${goal.revision} answers requests${gap}` };
    return { status: 'False', reason: 'LoadFailed', message: `the process of ${goal.revision} ended and is started again` };
  }
  const meanwhile = routed === undefined ? '' : `; ${routed} answers meanwhile`;
  if (hold && subject?.fetched)
    return {
      status: 'False',
      reason: 'Suspended',
      message: `activation waits: the device is on hold or outside its maintenance windows${meanwhile}`,
    };
  const failed = subject?.status.phase === 'Failed' ? subject.status : undefined;
  return {
    status: 'False',
    reason: failed?.reason ?? 'Progressing',
    message: `${failed?.message ?? `${goal.revision} is on its way`}${meanwhile}`,
  };
}
