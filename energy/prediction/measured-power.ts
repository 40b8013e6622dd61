// Judges measured power and energy of a day against the power amounts of a budget. Pure.
import { formatEnergy, formatPower } from '../units.ts';
import type { Boundary, Estimate } from './prediction.ts';
import type { Judgement } from './verdict.ts';

/** Watts for AveragePower, joules for EnergyPerDay. */
export interface MeasuredPower extends Estimate {
  name: 'AveragePower' | 'EnergyPerDay';
  powerBasis: 'Marginal' | 'Whole';
  boundary: Boundary;
  source: string;
  /** Time that it looks back over. */
  seconds: number;
  /** Share of that time that was measured; the rest is not filled. */
  coveragePermille: number;
}

/** Below this much of the time, what was not measured could hide anything. */
const sufficientPermille = 900;
const secondsPerDay = 86_400;

/**
 * Energy of a day that was measured in part is a lower bound of the whole: it can break a budget, and only a day that was measured
 * nearly whole can keep one. An average over part of its window says nothing either way.
 * @param budget watts for AveragePower, joules for EnergyPerDay.
 */
export function judgeMeasuredPower(budget: number, reading: MeasuredPower): Judgement | UnknownYet {
  const { name, estimate, lower, upper, source, coveragePermille } = reading;
  const format = name === 'AveragePower' ? formatPower : formatEnergy;
  const shown = `${format(estimate)} [${format(lower)}, ${format(upper)}] ${spanOf(reading)} from ${source}`;
  const covered = coveragePermille >= sufficientPermille;
  if (lower > budget && (covered || name === 'EnergyPerDay'))
    return {
      verdict: 'ExceedsBudget',
      reason: 'BudgetExceededMeasured',
      message: `measured ${shown}: lower bound above the budget ${format(budget)}`,
    };
  if (!covered)
    return {
      verdict: 'Unknown',
      reason: 'NotMeasuredYet',
      message: `measured ${shown}, but only ${Math.floor(coveragePermille / 10)} % of that time were measured; ${sufficientPermille / 10} % are needed`,
    };
  if (upper <= budget)
    return {
      verdict: 'WithinBudget',
      reason: 'WithinBudget',
      message: `measured ${shown}: upper bound within the budget ${format(budget)}`,
    };
  return {
    verdict: 'Uncertain',
    reason: 'BudgetUncertain',
    message: `measured ${shown}: the interval straddles the budget ${format(budget)}`,
  };
}

export interface UnknownYet {
  verdict: 'Unknown';
  reason: 'NotMeasuredYet';
  message: string;
}

function spanOf({ name, powerBasis, seconds }: MeasuredPower): string {
  const basis = powerBasis === 'Marginal' ? 'above idle' : 'in all';
  if (name === 'AveragePower') return `${basis} over ${Math.round(seconds)} s`;
  return `${basis} in the last ${seconds >= secondsPerDay ? '24 h' : `${(seconds / 3600).toPrecision(2)} h`}`;
}
