// The one number a person looks at first: the class and the amount nearest to its budget. Pure.
import type { AmountStatus, ClassStatus, ModelDeploymentStatus } from '../../../crds/model-deployment.ts';
import { parseEnergy, parsePower } from '../../../energy/units.ts';

export type Headline = NonNullable<ModelDeploymentStatus['energy']>;

export function headlineOf(classes: readonly ClassStatus[]): Headline | undefined {
  // Classes that hold devices speak before those that were only considered.
  const held = classes.filter((entry) => entry.devices > 0);
  const all = (held.length > 0 ? held : classes).flatMap((entry) =>
    entry.amounts.map((amount) => ({ entry, amount, use: useOf(amount) })),
  );
  const [first, ...rest] = all;
  if (!first) return undefined;
  const { entry, amount } = rest.reduce((a, b) => (b.use > a.use ? b : a), first);
  return {
    ...(amount.predicted === undefined ? {} : { predicted: amount.predicted.value }),
    ...(amount.measured === undefined ? {} : { measured: amount.measured.value }),
    budget: amount.budget,
    verdict: amount.verdict,
    deviceClassName: entry.deviceClassName,
  };
}

/** Share of the budget in use; an amount of which nothing is known comes last. */
function useOf(amount: AmountStatus): number {
  const parse = amount.name === 'AveragePower' ? parsePower : parseEnergy;
  const value = amount.measured?.value ?? amount.predicted?.value;
  return value === undefined ? -1 : parse(value) / parse(amount.budget);
}
