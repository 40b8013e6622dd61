// Batches of a rollout within one device class. Pure.
import type { RolloutStep } from '../../crds/model-deployment.ts';
import type { ClassRollout } from './revision-memory.ts';

/** Devices that may have the revision at a step; past the last step all may. */
export function allowedDevices(steps: readonly RolloutStep[], step: number, total: number): number {
  const current = steps[step];
  if (!current) return total;
  const wanted = current.devices ?? Math.ceil(((current.percent ?? 100) / 100) * total);
  return Math.min(total, Math.max(1, wanted));
}

export type StepAdvance =
  | { kind: 'working' }
  | { kind: 'finished' }
  | { kind: 'paused'; seconds: number }
  | { kind: 'awaitingPromotion'; step: number }
  | { kind: 'advanced'; rollout: ClassRollout };

/** What comes after a batch: a pause, a gate, the next batch, or nothing. */
export function advance(
  steps: readonly RolloutStep[],
  rollout: ClassRollout,
  batch: { complete: boolean; everywhere: boolean; promoted: (step: number) => boolean },
  nowMilliseconds: number,
): StepAdvance {
  if (!batch.complete) return { kind: 'working' };
  const current = steps[rollout.step];
  if (!current) return { kind: 'finished' };
  if (batch.everywhere && rollout.step >= steps.length - 1) return { kind: 'finished' };
  const now = new Date(nowMilliseconds).toISOString();
  if (rollout.stepDoneTime === undefined) return { kind: 'advanced', rollout: { ...rollout, stepDoneTime: now } };
  const pauseMilliseconds = (current.pauseSeconds ?? 0) * 1000;
  const waitMilliseconds = Date.parse(rollout.stepDoneTime) + pauseMilliseconds - nowMilliseconds;
  if (waitMilliseconds > 0) return { kind: 'paused', seconds: waitMilliseconds / 1000 };
  if (current.gate === 'Manual' && !batch.promoted(rollout.step)) return { kind: 'awaitingPromotion', step: rollout.step };
  const { stepDoneTime: _, ...rest } = rollout;
  return { kind: 'advanced', rollout: { ...rest, step: rollout.step + 1, stepTime: now } };
}
