// The status of one device class of a deployment: predicted and measured beside the budget, amount by amount. Pure.
import type { AmountStatus, ClassStatus, MeasuredAmount, PredictedAmount } from '../../../crds/model-deployment.ts';
import type { Estimate } from '../../../energy/prediction/prediction.ts';
import { formatEnergy, formatPower, parseEnergy } from '../../../energy/units.ts';
import type { JudgedAmount } from '../../estimate/admission.ts';
import type { VariantEstimate } from '../../estimate/estimator.ts';
import { measureClass } from '../measured/measured.ts';
import type { MeasuredVerdict } from '../measured/measured-verdict.ts';
import type { ClassGroup, Scope } from '../scope.ts';

const maximumMessage = 1024;
/** A number is written again when it moved by more than this and this much time has passed, or when a verdict changes. */
const steady = { fraction: 0.05, milliseconds: 300_000 } as const;

export function describeClass(scope: Scope, group: ClassGroup): ClassStatus {
  const { className, members, budget, choice } = group;
  const serving = mostCommon(members.flatMap((member) => member.slots.active ?? []));
  const before = scope.world.deployment.status?.classes?.find((entry) => entry.deviceClassName === className);
  const analysis = scope.analyses.get(className);
  const step = scope.target && scope.memory.get(scope.target.name)?.state?.classes[className]?.step;
  const variant = serving?.variant ?? choice?.estimate?.variant;
  return {
    deviceClassName: className,
    ...(serving === undefined ? {} : { revision: serving.revision }),
    ...(scope.target === undefined ? {} : { targetRevision: scope.target.name }),
    ...(variant === undefined ? {} : { variant }),
    devices: members.length,
    boundary: budget.boundary,
    amounts: budget.amounts.map((amount) => describeAmount(scope, group, amount.name, amount.text, serving?.revision, before)),
    ...(step === undefined || step === 0 ? {} : { step }),
    ...(analysis === undefined ? {} : { analysis: { ...analysis, message: analysis.message.slice(0, maximumMessage) } }),
  };
}

function describeAmount(
  scope: Scope,
  group: ClassGroup,
  name: AmountStatus['name'],
  budget: string,
  revision: string | undefined,
  before: ClassStatus | undefined,
): AmountStatus {
  const estimate = group.choice?.estimate;
  const judged = estimate?.amounts.find((amount) => amount.name === name);
  const predicted = estimate && judged ? describePrediction(estimate, judged) : undefined;
  const measurement = name === 'EnergyPerInference' && revision !== undefined ? measureClass(group, revision) : undefined;
  const last = before?.revision === revision ? before?.amounts.find((amount) => amount.name === name) : undefined;
  const found = measurement?.measured;
  const deciding = found ? measurement : judged;
  const verdict = deciding?.verdict ?? 'Unknown';
  const measured = found
    ? steadyReading(describeReading(found), last?.verdict === verdict ? last.measured : undefined, scope.world.nowMilliseconds)
    : undefined;
  // The words belong to the number: they stay as long as it does.
  const kept = measured !== undefined && measured === last?.measured && last.reason !== undefined && last.message !== undefined;
  const words = kept ? { reason: last.reason, message: last.message } : { reason: deciding?.reason, message: deciding?.message };
  return {
    name,
    budget,
    ...(predicted === undefined ? {} : { predicted }),
    ...(measured === undefined ? {} : { measured }),
    verdict,
    ...(words.reason === undefined ? {} : { reason: words.reason }),
    ...(words.message === undefined ? {} : { message: words.message.slice(0, maximumMessage) }),
  };
}

function describePrediction(estimate: VariantEstimate, judged: JudgedAmount): PredictedAmount | undefined {
  const { prediction } = estimate;
  if (!prediction || !judged.predicted) return undefined;
  const { inDomain, transferred, predictor } = prediction;
  return {
    ...formatted(judged.predicted, judged.name === 'AveragePower' ? formatPower : formatEnergy),
    predictor,
    inDomain,
    transferred,
  };
}

function formatted({ estimate, lower, upper }: Estimate, format: (value: number) => string) {
  return { value: format(estimate), lower: format(lower), upper: format(upper) };
}

function describeReading({ deviceName, reading }: NonNullable<MeasuredVerdict['measured']>): MeasuredAmount {
  const { value, lower, upper, inferences, source, attribution, time } = reading;
  return { value, lower, upper, inferences, deviceName, source, attribution, time };
}

function steadyReading(next: MeasuredAmount, last: MeasuredAmount | undefined, nowMilliseconds: number): MeasuredAmount {
  // What another device once measured is not kept: it may be lost.
  if (!last || last.deviceName !== next.deviceName || last.source !== next.source || last.attribution !== next.attribution)
    return next;
  const moved = Math.abs(parseEnergy(next.value) / parseEnergy(last.value) - 1);
  const aged = nowMilliseconds - Date.parse(last.time);
  return moved > steady.fraction && aged > steady.milliseconds ? next : last;
}

function mostCommon<T extends { revision: string; variant: string }>(slots: readonly T[]): T | undefined {
  const counts = new Map<string, { slot: T; count: number }>();
  for (const slot of slots) {
    const key = `${slot.revision}/${slot.variant}`;
    const entry = counts.get(key);
    if (entry) entry.count++;
    else counts.set(key, { slot, count: 1 });
  }
  let best: { slot: T; count: number } | undefined;
  for (const entry of counts.values()) if (!best || entry.count > best.count) best = entry;
  return best?.slot;
}
