// All amounts of a slot's budget against what was measured on this device.
import type { PowerReading, Slot } from '../../crds/model-instance.ts';
import type { EnergyVerdict } from '../../crds/shared.ts';
import { judgeMeasuredPower, type MeasuredPower } from '../../energy/prediction/measured-power.ts';
import { worstVerdict } from '../../energy/prediction/verdict.ts';
import { formatEnergy, formatPower, parseEnergy, parsePower } from '../../energy/units.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { EnergyBook } from '../measurement/energy-book.ts';
import type { NodePower } from '../power/node-power.ts';
import type { PowerLedger, PowerStretch } from '../record/power-ledger.ts';
import { amountsFor } from './budget-amounts.ts';
import { readPower } from './power-amounts.ts';

export interface Verdict {
  verdict: EnergyVerdict;
  reason: string;
  message: string;
}

export interface PowerView {
  /** Watts that the amount allows on average. */
  budgetWatts: number;
  judgement: Verdict;
  measured?: MeasuredPower;
  /** What it stands on. */
  sum?: PowerStretch;
}

export interface BudgetView {
  /** The worst of all amounts. */
  judgement: Verdict;
  powerReadings: PowerReading[];
  powers: PowerView[];
}

interface Deps {
  clock: Clock;
  book: EnergyBook;
  ledger: PowerLedger;
  power: NodePower;
  deviceClassName: () => string | undefined;
}

const defaultWindowSeconds = 300;
const secondsPerDay = 86_400;

export type BudgetJudge = (slot: Slot) => BudgetView;

export function createBudgetJudge(deps: Deps): BudgetJudge {
  return (slot) => {
    const amounts = amountsFor(slot.budget, deps.deviceClassName());
    const windowSeconds = slot.budget?.windowSeconds ?? defaultWindowSeconds;
    const { averagePower, energyPerDay } = amounts;
    const powers = [
      ...(averagePower === undefined ? [] : [judgeAmount(deps, slot, 'AveragePower', windowSeconds, parsePower(averagePower))]),
      ...(energyPerDay === undefined ? [] : [judgeAmount(deps, slot, 'EnergyPerDay', secondsPerDay, parseEnergy(energyPerDay))]),
    ];
    const perInference = amounts.energyPerInference === undefined ? [] : [deps.book.view(slot).judgement];
    return {
      judgement: worstOf([...perInference, ...powers.map((view) => view.judgement)]),
      powerReadings: powers.flatMap(({ measured }) => (measured ? [readingOf(measured, deps.clock.now())] : [])),
      powers,
    };
  };
}

/** @param budget watts, or joules for a day. */
function judgeAmount(deps: Deps, slot: Slot, name: MeasuredPower['name'], seconds: number, budget: number): PowerView {
  const boundary = slot.budget?.boundary ?? 'Board';
  const powerBasis = slot.budget?.powerBasis ?? 'Marginal';
  const sum = deps.ledger.sum(slot.revision, boundary, deps.clock.now() - seconds * 1000);
  const confidencePercent = slot.budget?.confidencePercent ?? 90;
  const measured = sum && readPower({ name, powerBasis, seconds, confidencePercent }, sum);
  const budgetWatts = name === 'AveragePower' ? budget : budget / secondsPerDay;
  if (!measured) return { budgetWatts, judgement: absent(deps.power, slot, sum) };
  return { budgetWatts, judgement: judgeMeasuredPower(budget, measured), measured, sum };
}

/** Why a power amount has no reading: never zero, never fine. */
function absent(power: NodePower, { budget }: Slot, sum: PowerStretch | undefined): Verdict {
  const boundary = budget?.boundary ?? 'Board';
  const meter = power.at(boundary);
  if (!meter)
    return { verdict: 'Unknown', reason: 'NoPowerSource', message: `this device has no power source at boundary ${boundary}` };
  if (meter.source.onDemand)
    return {
      verdict: 'Unknown',
      reason: 'NoPowerSource',
      message: `${meter.source.name} is read only during controlled loops: judge power amounts at another boundary than ${boundary}`,
    };
  if (sum && sum.wholeSeconds > 0)
    return {
      verdict: 'Unknown',
      reason: 'NoIdlePower',
      message: 'the idle power was not measured yet, so what is above it is not known: the device was never idle long enough',
    };
  return { verdict: 'Unknown', reason: 'NotMeasuredYet', message: `${meter.source.name} has measured nothing of it yet` };
}

function worstOf(verdicts: readonly Verdict[]): Verdict {
  const worst = worstVerdict(verdicts.map(({ verdict }) => verdict));
  return (
    verdicts.find(({ verdict }) => verdict === worst) ?? {
      verdict: 'Unknown',
      reason: 'NotMeasuredYet',
      message: 'the budget names no amount for this device',
    }
  );
}

function readingOf(measured: MeasuredPower, now: number): PowerReading {
  const format = measured.name === 'AveragePower' ? formatPower : formatEnergy;
  const { name, powerBasis, boundary, source, seconds, coveragePermille } = measured;
  return {
    name,
    value: format(measured.estimate),
    lower: format(measured.lower),
    upper: format(measured.upper),
    powerBasis,
    boundary,
    source,
    seconds,
    coveragePermille,
    time: new Date(now).toISOString(),
  };
}
