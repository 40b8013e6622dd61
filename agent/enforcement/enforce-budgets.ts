import type { Logger } from 'pino';
import type { Slot } from '../../crds/model-instance.ts';
import type { EnergyVerdict } from '../../crds/shared.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { DesiredInstance, DesiredState } from '../assignment/desired-state.ts';
import type { IdleBaselines } from '../measurement/idle-baseline.ts';
import type { NodePower } from '../power/node-power.ts';
import { goalOf } from '../status/describe-instance.ts';
import type { BudgetJudge, BudgetView } from './budget-judge.ts';
import { decideEnforcement } from './decide-enforcement.ts';
import { decideThrottle } from './decide-throttle.ts';
import type { Pace } from './pace.ts';

interface Deps {
  clock: Clock;
  logger: Logger;
  desired: DesiredState;
  judge: BudgetJudge;
  pace: Pace;
  power: NodePower;
  baselines: IdleBaselines;
  online: () => boolean;
  onVerdict: (instance: DesiredInstance, slot: Slot, verdict: EnergyVerdict) => void;
  /** The instance with its step back is on disk. */
  onChange: (instance: DesiredInstance) => void;
}

/** Looks at every active revision and acts on those whose measured interval lies above the budget. */
export async function enforceBudgets(deps: Deps): Promise<void> {
  const { clock, logger, desired, judge, pace, online, onVerdict, onChange } = deps;
  for (const instance of desired.instances) {
    const { active, previous } = instance.spec;
    if (!active || goalOf(instance)?.revision !== active.revision) continue;
    const view = judge(active);
    onVerdict(instance, active, view.judgement.verdict);
    const enforcement = decideEnforcement({
      verdict: view.judgement.verdict,
      budget: active.budget,
      online: online(),
      hasPrevious: previous !== undefined,
    });
    const mayThrottle = active.budget?.whenExceeded === 'Throttle' && active.budget.enforcement !== 'Warn';
    if (!mayThrottle) pace.lift(active.revision);
    // Once held back, a model keeps its budget because it is: the cap follows what is measured and stays.
    else if (enforcement.kind === 'throttle' || pace.dutyOf(active.revision) !== undefined)
      throttle(deps, instance, active, view);
    if (enforcement.kind === 'none' || enforcement.kind === 'throttle') continue;
    const localRollback = {
      revision: active.revision,
      reason: 'BudgetExceededMeasured',
      message: view.judgement.message.slice(0, 1024),
      time: new Date(clock.now()).toISOString(),
    };
    logger.warn(
      { instance: instance.name, ...localRollback, action: enforcement.kind },
      'a model breaks its budget and is replaced or stopped here',
    );
    const next = { ...instance, localRollback, localStop: enforcement.kind === 'stop' };
    await desired.put(next);
    onChange(next);
  }
}

function throttle(deps: Deps, instance: DesiredInstance, active: Slot, view: BudgetView): void {
  const { logger, pace, power, baselines } = deps;
  const meter = power.at(active.budget?.boundary ?? 'Board');
  if (!meter) return;
  const decision = decideThrottle(view.powers, meter.source, baselines.last(meter)?.watts);
  if (decision.kind === 'unneeded') pace.lift(active.revision);
  const isHeldBack = pace.dutyOf(active.revision) !== undefined;
  // Held back, it draws so little that the meter may not see it: that is no reason to let it go. Else status says why (throttle-note.ts).
  if (decision.kind !== 'duty') return;
  if (!isHeldBack)
    logger.warn({ instance: instance.name, duty: decision.duty }, 'a model breaks its budget and is throttled here');
  pace.set(active.revision, decision.duty);
}
