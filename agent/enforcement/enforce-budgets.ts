import type { Logger } from 'pino';
import type { Slot } from '../../crds/model-instance.ts';
import type { EnergyVerdict } from '../../crds/shared.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { DesiredInstance, DesiredState } from '../assignment/desired-state.ts';
import type { EnergyBook } from '../measurement/energy-book.ts';
import { goalOf } from '../status/describe-instance.ts';
import { decideEnforcement } from './decide-enforcement.ts';

interface Deps {
  clock: Clock;
  logger: Logger;
  desired: DesiredState;
  book: EnergyBook;
  online: () => boolean;
  onVerdict: (instance: DesiredInstance, slot: Slot, verdict: EnergyVerdict) => void;
  /** The instance with its step back is on disk. */
  onChange: (instance: DesiredInstance) => void;
}

/** Looks at every active revision and acts on those whose measured interval lies above the budget. */
export async function enforceBudgets(deps: Deps): Promise<void> {
  const { clock, logger, desired, book, online, onVerdict, onChange } = deps;
  for (const instance of desired.instances) {
    const { active, previous } = instance.spec;
    if (!active || goalOf(instance)?.revision !== active.revision) continue;
    const { judgement } = book.view(active);
    onVerdict(instance, active, judgement.verdict);
    const enforcement = decideEnforcement({
      verdict: judgement.verdict,
      budget: active.budget,
      online: online(),
      hasPrevious: previous !== undefined,
    });
    if (enforcement.kind === 'none') continue;
    const localRollback = {
      revision: active.revision,
      reason: 'BudgetExceededMeasured',
      message: judgement.message.slice(0, 1024),
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
