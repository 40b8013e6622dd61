import { findCondition } from '../../kube/meta/conditions.ts';
import { type Scope, timeOf } from './scope.ts';

/** What a phase came to; each has one condition of its own. */
export type PhaseResult =
  | { kind: 'done'; reason: string; message: string }
  /** Not all that was asked for, but the next phase may work with what there is. */
  | { kind: 'partly'; reason: string; message: string }
  | { kind: 'unknown'; reason: string; message: string }
  /** Stops here; something in the world is expected to change. */
  | { kind: 'waiting'; reason: string; message: string }
  /** Stops here; only a person can help. */
  | { kind: 'stalled'; reason: string; message: string };

export interface Phase {
  condition: 'ModelResolved' | 'BudgetAdmitted' | 'Placed' | 'RolledOut';
  run(scope: Scope): PhaseResult;
}

/**
 * Since when a phase waits, ISO 8601: not since the deployment was made, when it was through with the phase meanwhile. Of that and of
 * what else has begun the later counts.
 */
export function waitingSince(scope: Scope, condition: Phase['condition'], begun: string | undefined): string {
  const known = findCondition(scope.world.deployment.status?.conditions, condition);
  const own = known?.status === 'False' ? known.lastTransitionTime : timeOf(scope);
  return begun !== undefined && Date.parse(begun) > Date.parse(own) ? begun : own;
}

/** Within its deadline a phase waits; after it somebody has to look. */
export function untilDeadline(scope: Scope, startTime: string, result: { reason: string; message: string }): PhaseResult {
  const deadlineSeconds = scope.world.deployment.spec.rollout?.progressDeadlineSeconds ?? 86_400;
  const restSeconds = deadlineSeconds - (scope.world.nowMilliseconds - Date.parse(startTime)) / 1000;
  if (restSeconds <= 0)
    return {
      kind: 'stalled',
      reason: 'ProgressDeadlineExceeded',
      message: `no progress for ${deadlineSeconds} s: ${result.reason}: ${result.message}`,
    };
  // Far ahead, the periodic relist comes first; a timer of a day is only clutter.
  if (restSeconds < 3600) scope.recheckSeconds = Math.max(1, Math.min(restSeconds, scope.recheckSeconds ?? restSeconds));
  return { kind: 'waiting', ...result };
}
