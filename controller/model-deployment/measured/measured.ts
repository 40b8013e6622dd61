// What was measured of a revision on a class, and how it compares with the budget. Pure.
import type { EnergyReading } from '../../../crds/model-instance.ts';
import { judgeMeasurement, quantityAt, worstVerdict } from '../../../energy/prediction/verdict.ts';
import { parseEnergy } from '../../../energy/units.ts';
import type { BudgetQuestion } from '../../estimate/budget-question.ts';
import { isTestOf } from '../canary/orders.ts';
import { type ClassGroup, type Member, revisionStatus } from '../scope.ts';
import { measuredPowers } from './measured-power.ts';
import type { MeasuredVerdict } from './measured-verdict.ts';

const absentReasons = new Set(['NoPowerSource', 'BelowResolution']);

/**
 * Of the reachable devices that measure, the worst decides. Devices of the class that do not measure (they were not the ones that
 * tested it), or measure at another boundary, do not hide what others have found out about the class.
 */
export function measureClass(group: ClassGroup, revision: string): MeasuredVerdict {
  const members = group.members.filter((member) => member.reachable && member.slots.active?.revision === revision);
  const verdicts = members.map((member) => measureMember(group.budget, member, revision));
  const known = verdicts.filter(
    ({ verdict, measured, reason }) => reason !== 'BoundaryMismatch' && (measured !== undefined || verdict !== 'Unknown'),
  );
  const worst = (known.length > 0 ? known : verdicts).reduce<MeasuredVerdict | undefined>(
    (a, b) => (a === undefined || isWorse(b, a) ? b : a),
    undefined,
  );
  return worst ?? { verdict: 'Unknown', reason: 'NotMeasuredYet', message: 'no reachable device serves it' };
}

/** The worst of the amounts; the reading of energyPerInference goes with it, whichever decided. */
export function measureMember(budget: BudgetQuestion, member: Member, revision: string): MeasuredVerdict {
  const amount = budget.amounts.find(({ name }) => name === 'EnergyPerInference');
  const energy = amount && measureEnergy(amount, budget, member, revision);
  const powers = measuredPowers(budget, member.instance.spec.deviceName, revisionStatus(member, revision)?.powerReadings);
  const all = [...(energy ? [energy] : []), ...powers];
  const worst = worstVerdict(all.map(({ verdict }) => verdict));
  const decided = all.find(({ verdict }) => verdict === worst) ?? {
    verdict: 'Unknown' as const,
    reason: 'NotMeasuredYet',
    message: 'the budget names no amount for this class',
  };
  return energy?.measured === undefined ? decided : { ...decided, measured: energy.measured };
}

function measureEnergy(
  amount: BudgetQuestion['amounts'][number],
  budget: BudgetQuestion,
  member: Member,
  revision: string,
): MeasuredVerdict {
  const readings = readingsOf(member, revision);
  // Live windows need enough inferences; a controlled loop counts its own.
  const reading = readings.find(
    (candidate) =>
      candidate.attribution === 'Controlled' ||
      (candidate.attribution === 'Exclusive' && candidate.inferences >= budget.minimumInferences),
  );
  if (!reading) return nothingMeasured(member, revision, readings[0], budget);
  const judgement = judgeMeasurement({
    budgetJoules: amount.value,
    boundary: budget.boundary,
    quantity: quantityAt(budget.boundary),
    reading: {
      boundary: reading.boundary,
      quantity: reading.quantity,
      source: reading.source,
      estimate: parseEnergy(reading.value),
      lower: parseEnergy(reading.lower),
      upper: parseEnergy(reading.upper),
    },
  });
  return { ...judgement, measured: { deviceName: member.instance.spec.deviceName, reading } };
}

/** Newest first: what a test once found does not hide what live windows find later. */
export function readingsOf(member: Member, revision: string): EnergyReading[] {
  const status = member.instance.status;
  const live = revisionStatus(member, revision)?.energy;
  const order = member.slots.energyTest;
  // The order stays while the tested revision is active, so its id says whose test it was.
  const tested =
    order !== undefined && isTestOf(order, revision)
      ? status?.tests?.find((test) => test.id === order.id && test.state === 'Completed')?.energy
      : undefined;
  return [...(live ? [live] : []), ...(tested ? [tested] : [])].sort((a, b) => Date.parse(b.time) - Date.parse(a.time));
}

function nothingMeasured(
  member: Member,
  revision: string,
  insufficient: EnergyReading | undefined,
  budget: BudgetQuestion,
): MeasuredVerdict {
  const device = member.instance.spec.deviceName;
  const absent = revisionStatus(member, revision)?.energyAbsent;
  if (absent && absentReasons.has(absent.reason))
    return { verdict: 'Unknown', reason: absent.reason, message: `${device}: ${absent.message}` };
  if (insufficient && insufficient.attribution !== 'Shared')
    return {
      verdict: 'Unknown',
      reason: 'NotMeasuredYet',
      message: `${device}: ${insufficient.inferences} of ${budget.minimumInferences} inferences (minimumInferences)`,
    };
  const sources = member.device?.status?.powerSources;
  if (sources && !sources.some((source) => source.boundary === budget.boundary))
    return {
      verdict: 'Unknown',
      reason: 'NoPowerSource',
      message: `${device} has no power source at boundary ${budget.boundary}: nothing is measured`,
    };
  return {
    verdict: 'Unknown',
    reason: absent?.reason ?? 'NotMeasuredYet',
    message: `${device}: ${absent?.message ?? 'no measurement yet'}`,
  };
}

function isWorse(a: MeasuredVerdict, b: MeasuredVerdict): boolean {
  const order = ['WithinBudget', 'Uncertain', 'Unknown', 'ExceedsBudget'];
  const difference = order.indexOf(a.verdict) - order.indexOf(b.verdict);
  if (difference !== 0) return difference > 0;
  return (
    a.measured !== undefined &&
    b.measured !== undefined &&
    parseEnergy(a.measured.reading.value) > parseEnergy(b.measured.reading.value)
  );
}
