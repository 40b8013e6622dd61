// From one interval of operation to what the ledger keeps of it. Pure.
import type { PowerMeter } from '../power/power-meter.ts';
import type { PowerStretch } from '../record/power-ledger.ts';
import type { ModelWork, OperationInterval } from './operation-windows.ts';
import type { WorkingWatts } from './shared-power.ts';

/** What is known of the power of models at work beside others, by revision. */
export type KnownWatts = (meter: PowerMeter) => ReadonlyMap<string, WorkingWatts>;

const nothingKnown: KnownWatts = () => new Map();

/**
 * One stretch per loaded model and meter. A model that worked alone has all that was drawn above idle. Of several, each has what the
 * windows of the last hour say of its own time, within their bounds; where they say nothing, at least nothing and at most all, and the
 * estimate shares by their own time. What was drawn above idle while none worked is nobody's.
 * @param meters those that stand for their boundary.
 */
export function powerStretches(
  interval: OperationInterval,
  meters: readonly PowerMeter[],
  wattsOf: KnownWatts = nothingKnown,
): PowerStretch[] {
  return meters.flatMap((meter) => {
    const seen = interval.meters.find((entry) => entry.meter === meter);
    const above = aboveIdle(interval, seen);
    const watts = workingModels(interval).length > 1 ? wattsOf(meter) : nothingKnown(meter);
    return interval.models.map((work) => stretchOf(interval, meter, work, { seen, above, watts }));
  });
}

export function workingModels({ models }: OperationInterval): ModelWork[] {
  return models.filter(({ inferences }) => inferences > 0);
}

type Seen = OperationInterval['meters'][number];

interface AboveIdle {
  joules: number;
  /** One standard deviation of the idle energy. */
  idleErrorJoules: number;
}

/** Undefined when the meter had a gap, the idle power is not known, or a controlled loop ran. */
function aboveIdle(interval: OperationInterval, seen: Seen | undefined): AboveIdle | undefined {
  if (!seen?.baseline || interval.disturbed) return undefined;
  const idleJoules = seen.baseline.watts * interval.seconds;
  return { joules: seen.joules - idleJoules, idleErrorJoules: idleJoules * seen.baseline.relativeSd };
}

function stretchOf(
  interval: OperationInterval,
  meter: PowerMeter,
  work: ModelWork,
  known: { seen: Seen | undefined; above: AboveIdle | undefined; watts: ReadonlyMap<string, WorkingWatts> },
): PowerStretch {
  const { from, to, seconds } = interval;
  const { seen, above, watts } = known;
  const share = above ? shareOf(workingModels(interval), work, above.joules, watts) : { joules: 0, lower: 0, upper: 0 };
  return {
    revision: work.model.slot.revision,
    boundary: meter.source.boundary,
    source: meter.source.name,
    from,
    to,
    loadedSeconds: seconds,
    wholeSeconds: seen ? seconds : 0,
    marginalSeconds: above ? seconds : 0,
    wholeJoules: seen?.joules ?? 0,
    marginalJoules: share.joules,
    marginalLowerJoules: share.lower,
    marginalUpperJoules: share.upper,
    idleErrorJoules: work.inferences > 0 ? (above?.idleErrorJoules ?? 0) : 0,
    busySeconds: above ? work.modelSeconds : 0,
  };
}

function shareOf(
  working: readonly ModelWork[],
  work: ModelWork,
  joules: number,
  watts: ReadonlyMap<string, WorkingWatts>,
): { joules: number; lower: number; upper: number } {
  if (work.inferences === 0) return { joules: 0, lower: 0, upper: 0 };
  if (working.length === 1) return { joules, lower: joules, upper: joules };
  const all = Math.max(0, joules);
  const known = watts.get(work.model.slot.revision);
  if (known) {
    const within = (power: number) => Math.min(all, power * work.modelSeconds);
    return { joules: within(known.estimate), lower: within(known.lower), upper: within(known.upper) };
  }
  const busySeconds = working.reduce((sum, { modelSeconds }) => sum + modelSeconds, 0);
  const share = busySeconds === 0 ? 1 / working.length : work.modelSeconds / busySeconds;
  return { joules: joules * share, lower: 0, upper: all };
}
