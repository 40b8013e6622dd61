import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BudgetQuestion, budgetFor } from '../../../controller/estimate/budget-question.ts';
import { measuredPowers } from '../../../controller/model-deployment/measured/measured-power.ts';
import type { Budget } from '../../../crds/model-deployment.ts';
import type { PowerReading } from '../../../crds/model-instance.ts';
import { formatEnergy, formatPower } from '../../../energy/units.ts';

const question = (budget: Budget): BudgetQuestion =>
  budgetFor({ spec: { modelVersionName: 'm', placement: {}, budget } }, undefined);

const reading = (more: Partial<PowerReading> = {}): PowerReading => ({
  name: 'AveragePower',
  value: '1W',
  lower: '900mW',
  upper: '1100mW',
  powerBasis: 'Marginal',
  boundary: 'Board',
  source: 'ina226',
  seconds: 300,
  coveragePermille: 1000,
  time: '2026-11-21T00:00:00Z',
  ...more,
});

const judge = (budget: Budget, ...readings: PowerReading[]) => measuredPowers(question(budget), 'pi-1', readings);

describe('power amounts as the controller judges what a device measured', () => {
  it.each<[string, string, string, string]>([
    ['a budget above the interval', '1200mW', 'WithinBudget', 'WithinBudget'],
    ['a budget below it', '800mW', 'ExceedsBudget', 'BudgetExceededMeasured'],
    ['a budget within it', '1W', 'Uncertain', 'BudgetUncertain'],
    ['a budget at its upper end', '1100mW', 'WithinBudget', 'WithinBudget'],
    ['a budget at its lower end', '900mW', 'Uncertain', 'BudgetUncertain'],
  ])('say of %s what the interval allows to say', (_, averagePower, verdict, reason) => {
    expect(judge({ averagePower }, reading())).toMatchObject([{ verdict, reason }]);
  });

  it('say nothing of an average whose window was measured in part', () => {
    expect(judge({ averagePower: '800mW' }, reading({ coveragePermille: 899 }))).toMatchObject([
      { verdict: 'Unknown', reason: 'NotMeasuredYet', message: expect.stringContaining('89 %') as string },
    ]);
  });

  it('take a day that was measured in part for a lower bound: it breaks a budget and keeps none', () => {
    const day = reading({
      name: 'EnergyPerDay',
      value: '2kJ',
      lower: '1900J',
      upper: '2100J',
      seconds: 7200,
      coveragePermille: 300,
    });
    expect(judge({ energyPerDay: '1kJ' }, day)).toMatchObject([{ verdict: 'ExceedsBudget' }]);
    expect(judge({ energyPerDay: '5kJ' }, day)).toMatchObject([{ verdict: 'Unknown', reason: 'NotMeasuredYet' }]);
    expect(judge({ energyPerDay: '5kJ' }, { ...day, coveragePermille: 950 })).toMatchObject([{ verdict: 'WithinBudget' }]);
  });

  it.each<[string, Partial<PowerReading>]>([
    ['another boundary', { boundary: 'Module' }],
    ['another basis', { powerBasis: 'Whole' }],
    ['another amount', { name: 'EnergyPerDay', value: '1J', lower: '1J', upper: '1J' }],
  ])('do not take a reading of %s for theirs', (_, more) => {
    expect(judge({ averagePower: '1mW' }, reading(more))).toEqual([
      { verdict: 'Unknown', reason: 'NotMeasuredYet', message: 'pi-1: no measurement of averagePower yet' },
    ]);
  });

  it('are judged each by its own reading, and energy per inference by others', () => {
    const budget: Budget = { energyPerInference: '1mJ', averagePower: '2W', energyPerDay: '1J' };
    const day = reading({ name: 'EnergyPerDay', value: '5J', lower: '4J', upper: '6J', seconds: 86_400 });
    expect(judge(budget, reading(), day).map(({ verdict }) => verdict)).toEqual(['WithinBudget', 'ExceedsBudget']);
    expect(judge({ energyPerInference: '1mJ' }, reading())).toEqual([]);
  });

  it('take a zero for zero, in whatever unit', () => {
    expect(judge({ averagePower: '1mW' }, reading({ value: '0W', lower: '0', upper: '0uW' }))).toMatchObject([
      { verdict: 'WithinBudget' },
    ]);
  });

  it('follow the numbers, not the way they are written', () => {
    const watts = fc.double({ min: 1e-3, max: 100, noNaN: true });
    fc.assert(
      fc.property(watts, watts, watts, (a, b, budget) => {
        const [lower, upper] = [Math.min(a, b), Math.max(a, b)];
        const near = [lower, upper].some((value) => Math.abs(value / budget - 1) < 0.01); // digits of the text
        fc.pre(!near);
        const expected = lower > budget ? 'ExceedsBudget' : upper <= budget ? 'WithinBudget' : 'Uncertain';
        const power = reading({ value: formatPower(lower), lower: formatPower(lower), upper: formatPower(upper) });
        expect(judge({ averagePower: formatPower(budget) }, power)[0]?.verdict).toBe(expected);
        const energy = reading({
          name: 'EnergyPerDay',
          value: formatEnergy(lower),
          lower: formatEnergy(lower),
          upper: formatEnergy(upper),
        });
        expect(judge({ energyPerDay: formatEnergy(budget) }, energy)[0]?.verdict).toBe(expected);
      }),
    );
  });
});
