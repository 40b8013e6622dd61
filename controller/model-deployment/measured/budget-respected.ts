// The condition BudgetRespected: what measurement says about what serves now. Pure.
import { type Finding, rejectionOf, type Scope } from '../scope.ts';
import { measureClass } from './measured.ts';

export function judgeRespected(scope: Scope): Finding {
  const verdicts = scope.groups.flatMap((group) => {
    const revisions = new Set(group.members.flatMap((member) => member.slots.active?.revision ?? []));
    return [...revisions].map((revision) => ({ className: group.className, ...measureClass(group, revision) }));
  });
  const rolledBack = rejectedByMeasurement(scope);
  const exceeding = verdicts.filter((entry) => entry.verdict === 'ExceedsBudget');
  const [worst] = exceeding;
  if (worst) return { status: 'False', reason: 'BudgetExceededMeasured', message: describe(exceeding) };
  if (rolledBack && verdicts.length === 0) return { status: 'False', reason: 'BudgetExceededMeasured', message: rolledBack };
  const unknown = verdicts.filter((entry) => entry.verdict !== 'WithinBudget');
  const [first] = unknown;
  if (rolledBack) return { status: first ? 'Unknown' : 'True', reason: 'RolledBack', message: rolledBack };
  if (verdicts.length === 0) return { status: 'Unknown', reason: 'NotMeasuredYet', message: 'nothing serves yet' };
  if (first) return { status: 'Unknown', reason: first.reason, message: describe(unknown) };
  return { status: 'True', reason: 'WithinBudget', message: describe(verdicts) };
}

function rejectedByMeasurement(scope: Scope): string | undefined {
  const target = scope.target?.name;
  if (target === undefined) return undefined;
  for (const { className } of scope.groups) {
    const rejection = rejectionOf(scope, target, className);
    if (rejection?.reason === 'BudgetExceededMeasured') return `${target} on ${className}: ${rejection.message}`;
  }
  return undefined;
}

function describe(entries: readonly { className: string; message: string }[]): string {
  return entries.map(({ className, message }) => `${className}: ${message}`).join('; ');
}
