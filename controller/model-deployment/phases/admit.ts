// What the budget says to the target revision on every class that placement may use.
import { chooseVariant } from '../../estimate/choose-variant.ts';
import type { Phase } from '../phase.ts';
import type { ClassGroup, Scope } from '../scope.ts';

const shownClasses = 3;

export const admit: Phase = {
  condition: 'BudgetAdmitted',
  run(scope) {
    for (const group of scope.groups) estimateGroup(scope, group);
    const judged = scope.groups.filter((group) => group.choice !== undefined);
    const refused = judged.filter((group) => group.choice?.kind === 'refused');
    const admitted = judged.filter((group) => group.choice?.kind === 'chosen');
    const [nearest] = refused;
    if (admitted.length === 0 && nearest) return { kind: 'stalled', reason: reasonOf(nearest), message: describe(refused) };
    const [first] = admitted;
    if (!first)
      return {
        kind: 'unknown',
        reason: 'NoFeasibleDevice',
        message: 'there is no device to predict for: none matches placement.deviceSelector and deviceClassNames',
      };
    const best = admitted.find((group) => reasonOf(group) === 'WithinBudget') ?? first;
    const others = refused.length > 0 ? `; refused: ${describe(refused)}` : '';
    return { kind: 'done', reason: reasonOf(best), message: `${describe(admitted)}${others}` };
  },
};

function estimateGroup(scope: Scope, group: ClassGroup): void {
  const { version, deployment, estimator, representatives } = scope.world;
  // A device that runs it already speaks for its class before one that merely could.
  const device = group.members.find((member) => member.device)?.device ?? representatives.get(group.className);
  if (version && device?.status?.deviceClassName !== undefined)
    group.choice = chooseVariant(estimator, deployment, version, device);
}

function reasonOf(group: ClassGroup): string {
  const { choice } = group;
  if (choice?.kind === 'refused' && !choice.estimate)
    return choice.verdict === 'AccuracyTooLow' ? 'AccuracyTooLow' : 'VariantNotFound';
  return choice?.estimate?.reason ?? 'NoPredictor';
}

function describe(groups: readonly ClassGroup[]): string {
  const shown = groups
    .slice(0, shownClasses)
    .map(({ className, choice }) => `${className}: ${choice?.kind === 'refused' ? choice.message : choice?.estimate.message}`);
  const rest = groups.length - shown.length;
  return shown.join('; ') + (rest > 0 ? `; and ${rest} more classes` : '');
}
