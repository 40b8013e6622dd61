import type { Slot } from '../../crds/model-instance.ts';
import type { IdleBaselines } from '../measurement/idle-baseline.ts';
import type { NodePower } from '../power/node-power.ts';
import type { BudgetView } from './budget-judge.ts';
import { decideThrottle } from './decide-throttle.ts';
import type { Pace } from './pace.ts';

/** What status says of the throttle of a slot; undefined when there is nothing to say. */
export type ThrottleNote = (slot: Slot, view: BudgetView) => string | undefined;

/** Told with the verdict itself: words that come after it alone are not written for minutes. */
export function createThrottleNote(deps: {
  pace: Pick<Pace, 'noteOf'>;
  power: Pick<NodePower, 'at'>;
  baselines: Pick<IdleBaselines, 'last'>;
}): ThrottleNote {
  const { pace, power, baselines } = deps;
  return (slot, view) => {
    const { revision, budget } = slot;
    const held = pace.noteOf(revision);
    const mayThrottle = budget?.whenExceeded === 'Throttle' && budget.enforcement !== 'Warn';
    if (held !== undefined || !mayThrottle || view.judgement.verdict !== 'ExceedsBudget') return held;
    if (view.powers.every(({ judgement }) => judgement.verdict !== 'ExceedsBudget'))
      return 'a throttle makes no single inference cheaper, so this is only reported';
    const meter = power.at(budget.boundary ?? 'Board');
    const decision = meter && decideThrottle(view.powers, meter.source, baselines.last(meter)?.watts);
    return decision?.kind === 'undetectable' ? decision.message : undefined;
  };
}
