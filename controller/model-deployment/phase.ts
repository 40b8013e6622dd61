import type { Scope } from './scope.ts';

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

/** Within its deadline a phase waits; after it somebody has to look. */
export function untilDeadline(
  scope: Scope,
  startTime: string | undefined,
  result: { reason: string; message: string },
): PhaseResult {
  const deadlineSeconds = scope.world.deployment.spec.rollout?.progressDeadlineSeconds ?? 86_400;
  const start = Date.parse(startTime ?? scope.world.deployment.metadata.creationTimestamp);
  const restSeconds = deadlineSeconds - (scope.world.nowMilliseconds - start) / 1000;
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
