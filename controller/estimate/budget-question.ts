// A deployment's budget for one device class, in numbers. Pure.
import type { AmountName, Budget, BudgetAmounts, ModelDeployment } from '../../crds/model-deployment.ts';
import type { Boundary } from '../../crds/shared.ts';
import { parseEnergy, parsePower, parseRate } from '../../energy/units.ts';

export interface BudgetAmount {
  name: AmountName;
  /** As the user wrote it. */
  text: string;
  /** Joules for EnergyPerInference, watts for AveragePower and EnergyPerDay. */
  value: number;
}

export interface BudgetQuestion {
  amounts: BudgetAmount[];
  boundary: Boundary;
  powerBasis: 'Marginal' | 'Whole';
  confidencePercent: number;
  requestRate?: number;
  enforcement: 'Enforce' | 'Warn';
  whenUncertain: 'Canary' | 'Admit' | 'Reject';
  whenUnknown: 'Canary' | 'Admit' | 'Reject';
  whenExceeded: 'Rollback' | 'Stop' | 'Throttle' | 'Report';
  minimumInferences: number;
}

const secondsPerDay = 86_400;

/** The amounts of `byClass` replace those of the same name for that class. Defaults are those of the CRD. */
export function budgetFor(deployment: Pick<ModelDeployment, 'spec'>, deviceClassName: string | undefined): BudgetQuestion {
  const { budget, load } = deployment.spec;
  const special = budget.byClass?.find((entry) => entry.deviceClassName === deviceClassName);
  const requestRate = load?.requestRate === undefined ? undefined : parseRate(load.requestRate);
  return {
    amounts: amountsOf({ ...pick(budget), ...pick(special ?? {}) }),
    boundary: budget.boundary ?? 'Board',
    powerBasis: budget.powerBasis ?? 'Marginal',
    confidencePercent: budget.confidencePercent ?? 90,
    ...(requestRate === undefined ? {} : { requestRate }),
    ...policyOf(budget),
  };
}

function policyOf(budget: Budget) {
  return {
    enforcement: budget.enforcement ?? 'Enforce',
    whenUncertain: budget.whenUncertain ?? 'Canary',
    whenUnknown: budget.whenUnknown ?? 'Canary',
    whenExceeded: budget.whenExceeded ?? 'Rollback',
    minimumInferences: budget.minimumInferences ?? 200,
  } as const;
}

function pick(amounts: BudgetAmounts): BudgetAmounts {
  const { energyPerInference, averagePower, energyPerDay } = amounts;
  return {
    ...(energyPerInference === undefined ? {} : { energyPerInference }),
    ...(averagePower === undefined ? {} : { averagePower }),
    ...(energyPerDay === undefined ? {} : { energyPerDay }),
  };
}

function amountsOf(amounts: BudgetAmounts): BudgetAmount[] {
  const { energyPerInference, averagePower, energyPerDay } = amounts;
  return [
    ...(energyPerInference === undefined
      ? []
      : [{ name: 'EnergyPerInference', text: energyPerInference, value: parseEnergy(energyPerInference) } as const]),
    ...(averagePower === undefined
      ? []
      : [{ name: 'AveragePower', text: averagePower, value: parsePower(averagePower) } as const]),
    ...(energyPerDay === undefined
      ? []
      : [{ name: 'EnergyPerDay', text: energyPerDay, value: parseEnergy(energyPerDay) / secondsPerDay } as const]),
  ];
}
