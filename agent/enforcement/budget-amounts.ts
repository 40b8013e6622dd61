import type { Budget, BudgetAmounts } from '../../crds/model-deployment.ts';

/** The amounts that hold on a device of this class: those of `byClass` replace those of the same name. */
export function amountsFor(budget: Budget | undefined, deviceClassName: string | undefined): BudgetAmounts {
  const own = budget?.byClass?.find((entry) => entry.deviceClassName === deviceClassName);
  return { ...pick(budget ?? {}), ...pick(own ?? {}) };
}

function pick({ energyPerInference, averagePower, energyPerDay }: BudgetAmounts): BudgetAmounts {
  return {
    ...(energyPerInference === undefined ? {} : { energyPerInference }),
    ...(averagePower === undefined ? {} : { averagePower }),
    ...(energyPerDay === undefined ? {} : { energyPerDay }),
  };
}
