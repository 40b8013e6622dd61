import type { Budget } from '../../crds/model-deployment.ts';
import { energyPattern } from '../../energy/units.ts';
import { OldRequestError } from './old-request-error.ts';

/** A budget in mWh says nothing without the number of inferences: that was the old agent's mistake, and it is not guessed here. */
export function budgetOf(fields: Record<string, unknown>): Budget | undefined {
  const energy = fields['energy_per_inference'];
  if (energy !== undefined) {
    if (typeof energy !== 'string' || !new RegExp(energyPattern).test(energy))
      throw new OldRequestError(400, 'energy_per_inference is no energy with its unit, such as 80mJ');
    return { energyPerInference: energy };
  }
  const { energy_budget_mwh: milliwattHours, budget_inferences: inferences } = fields;
  if (milliwattHours === undefined || inferences === undefined) return undefined;
  const joules = (Number(milliwattHours) * 3.6) / Number(inferences);
  if (!(joules > 0) || !Number.isFinite(joules))
    throw new OldRequestError(400, 'energy_budget_mwh and budget_inferences are numbers above zero');
  return { energyPerInference: `${Number((joules * 1e6).toFixed(3))}uJ` };
}
