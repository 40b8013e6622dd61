// The power amounts of a budget against what a device measured of them. Pure.
import type { PowerReading } from '../../../crds/model-instance.ts';
import { judgeMeasuredPower, type MeasuredPower } from '../../../energy/prediction/measured-power.ts';
import { parseEnergy, parsePower } from '../../../energy/units.ts';
import type { BudgetQuestion } from '../../estimate/budget-question.ts';
import type { MeasuredVerdict } from './measured-verdict.ts';

const secondsPerDay = 86_400;

/** One verdict per power amount. A reading at another boundary or basis than the budget's is none. */
export function measuredPowers(
  budget: BudgetQuestion,
  deviceName: string,
  readings: readonly PowerReading[] | undefined,
): MeasuredVerdict[] {
  return budget.amounts.flatMap(({ name, value }): MeasuredVerdict[] => {
    if (name === 'EnergyPerInference') return [];
    const reading = readings?.find(
      (candidate) =>
        candidate.name === name && candidate.boundary === budget.boundary && candidate.powerBasis === budget.powerBasis,
    );
    if (!reading)
      return [
        { verdict: 'Unknown', reason: 'NotMeasuredYet', message: `${deviceName}: no measurement of ${wordsFor[name]} yet` },
      ];
    const judgement = judgeMeasuredPower(name === 'AveragePower' ? value : value * secondsPerDay, inNumbers(reading));
    return [judgement];
  });
}

const wordsFor = { AveragePower: 'averagePower', EnergyPerDay: 'energyPerDay' } as const;

function inNumbers(reading: PowerReading): MeasuredPower {
  const parse = (text: string) =>
    Number.parseFloat(text) === 0 ? 0 : (reading.name === 'AveragePower' ? parsePower : parseEnergy)(text);
  const { value, lower, upper, name, powerBasis, boundary, source, seconds, coveragePermille } = reading;
  return {
    name,
    powerBasis,
    boundary,
    source,
    seconds,
    coveragePermille,
    estimate: parse(value),
    lower: parse(lower),
    upper: parse(upper),
  };
}
