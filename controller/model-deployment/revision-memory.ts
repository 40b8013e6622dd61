// What must survive a restart about a revision lives in annotations of its ControllerRevision: rejections and rollout state. Pure.
import type { ModelDeploymentStatus } from '../../crds/model-deployment.ts';
import { annotations } from '../../crds/names.ts';
import type { ControllerRevision } from '../../kube/api/builtins.ts';

export type Rejection = Omit<NonNullable<ModelDeploymentStatus['rejectedRevisions']>[number], 'revision'>;
export type HistoryOutcome = NonNullable<ModelDeploymentStatus['history']>[number]['outcome'];

/** What a rollout has learned about one device class. */
export interface ClassRollout {
  /** Verdicts hold for these criteria; others start again. */
  criteriaHash: string;
  verdict?: 'Successful' | 'Failed' | 'Inconclusive';
  reason?: string;
  message?: string;
  /** How often the energy test was looked at. */
  look: number;
  /** When the present look was asked for. */
  lookTime?: string;
  /** Tests that devices gave up and were told to run again. */
  attempt?: number;
  attemptTime?: string;
  step: number;
  stepTime: string;
  /** All devices of the present step have the revision since. */
  stepDoneTime?: string;
  /** Some device that it waits for is on hold, or outside its maintenance windows. */
  held?: boolean;
  /** When such a time ended: it was not the devices' own. */
  resumeTime?: string;
}

export interface RolloutState {
  startTime: string;
  endTime?: string;
  /** When it went on after spec.suspend: that time was nobody's delay. */
  resumeTime?: string;
  outcome: HistoryOutcome;
  message?: string;
  predicted?: string;
  measured?: string;
  /** By device class. */
  classes: Record<string, ClassRollout>;
  /** `retry=<value>` … of annotations that were acted on and are still there. */
  handled: string[];
}

/** One for each class that a deployment may have: what is forgotten is tried again. */
export const maximumRejections = 16;

export function readRejections(revision: ControllerRevision | undefined): Rejection[] {
  const parsed = parse(revision?.metadata.annotations?.[annotations.rejections]);
  return Array.isArray(parsed) ? (parsed.filter(isRejection) as Rejection[]) : [];
}

export function readRolloutState(revision: ControllerRevision | undefined): RolloutState | undefined {
  const parsed = parse(revision?.metadata.annotations?.[annotations.rolloutState]) as Partial<RolloutState> | undefined;
  if (typeof parsed?.startTime !== 'string' || typeof parsed.outcome !== 'string') return undefined;
  return {
    ...parsed,
    startTime: parsed.startTime,
    outcome: parsed.outcome,
    classes: parsed.classes ?? {},
    handled: parsed.handled ?? [],
  };
}

export function startRollout(now: string): RolloutState {
  return { startTime: now, outcome: 'Progressing', classes: {}, handled: [] };
}

export function memoryAnnotations(
  state: RolloutState | undefined,
  rejections: readonly Rejection[],
): Record<string, string | null> {
  return {
    [annotations.rolloutState]: state === undefined ? null : JSON.stringify(state),
    [annotations.rejections]: rejections.length === 0 ? null : JSON.stringify(rejections.slice(-maximumRejections)),
  };
}

/** Whether a merge of these annotations would change the object. */
export function changesAnnotations(revision: ControllerRevision, next: Record<string, string | null>): boolean {
  const current = revision.metadata.annotations ?? {};
  return Object.entries(next).some(([key, value]) => (current[key] ?? null) !== value);
}

function isRejection(value: unknown): boolean {
  const entry = value as Partial<Rejection> | null;
  return typeof entry?.criteriaHash === 'string' && typeof entry.deviceClassName === 'string';
}

/** Somebody may have edited the annotation: what cannot be read counts as absent. */
function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
