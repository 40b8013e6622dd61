// How far a model that draws too much must be held back, if that can be told. Pure.
import { detectableJoules } from '../measurement/resolution.ts';
import type { PowerSource } from '../power/power-source.ts';
import type { PowerView } from './budget-judge.ts';
import { busyWatts } from './power-amounts.ts';

export type Throttle =
  | { kind: 'duty'; duty: number }
  | { kind: 'undetectable'; message: string }
  | { kind: 'unneeded' }
  /** Nobody asked for it, or a cap leaves too little to be seen: nothing follows of that. */
  | { kind: 'unknown' };

/** Below this many times what the meter can tell from nothing, a duty cycle would act on noise. */
const detectableTimes = 10;
/** A little below the budget, so that the measured interval falls under it and not upon it. */
const headroom = 0.9;
const lookSeconds = 10;
const leastDuty = 0.001;

/**
 * A duty cycle acts on the power above idle while the model is at work. A budget of the whole board leaves it what idle does not take.
 * @param views of the power amounts: energy per inference does not change with the rate.
 */
export function decideThrottle(views: readonly PowerView[], source: PowerSource, idleWatts: number | undefined): Throttle {
  const detectableWatts = detectableJoules(source, { seconds: lookSeconds, inferences: 1 }) / lookSeconds;
  let duty = 1;
  let known = false;
  for (const { sum, measured, budgetWatts } of views) {
    const watts = sum && busyWatts(sum);
    if (watts === undefined || !measured) continue;
    known = true;
    if (watts <= detectableTimes * detectableWatts)
      return {
        kind: 'undetectable',
        message: `it draws ${watts.toPrecision(2)} W above idle, and ${source.name} can tell ${detectableWatts.toPrecision(2)} W from nothing: a throttle needs ${detectableTimes} times that, so this is only reported`,
      };
    const left = measured.powerBasis === 'Whole' ? budgetWatts - (idleWatts ?? budgetWatts) : budgetWatts;
    duty = Math.min(duty, (headroom * left) / watts);
  }
  if (!known) return { kind: 'unknown' };
  return duty < 1 ? { kind: 'duty', duty: Math.max(leastDuty, duty) } : { kind: 'unneeded' };
}
