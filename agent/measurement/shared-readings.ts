// Joules per inference of models that worked side by side, from what the regression says of their own time. Pure.
import type { EnergyReading } from '../../crds/model-instance.ts';
import { quantityAt } from '../../energy/prediction/verdict.ts';
import { formatEnergy } from '../../energy/units.ts';
import type { ModelWork, OperationInterval } from './operation-windows.ts';
import { workingModels } from './power-stretches.ts';
import type { WorkingWatts } from './shared-power.ts';

export interface SharedReading {
  work: ModelWork;
  reading: EnergyReading;
}

/** One per model at work and meter, where several were; none where the bounds say nothing. */
export function sharedReadings(
  interval: OperationInterval,
  wattsOf: (meter: OperationInterval['meters'][number]['meter']) => ReadonlyMap<string, WorkingWatts>,
): SharedReading[] {
  const working = workingModels(interval);
  if (working.length < 2 || interval.disturbed || interval.throttled) return [];
  return interval.meters.flatMap(({ meter, baseline }) => {
    const { boundary, name } = meter.source;
    const quantity = quantityAt(boundary);
    // Active energy is what the board draws meanwhile, its idle power included.
    const idleWatts = quantity === 'Active' ? baseline?.watts : 0;
    if (idleWatts === undefined) return [];
    const watts = wattsOf(meter);
    return working.flatMap((work) => {
      const known = watts.get(work.model.slot.revision);
      if (!known || !Number.isFinite(known.upper) || known.estimate <= 0) return [];
      const joules = (power: number) => formatEnergy(((power + idleWatts) * work.modelSeconds) / work.inferences);
      const reading: EnergyReading = {
        value: joules(known.estimate),
        lower: joules(known.lower),
        upper: joules(known.upper),
        quantity,
        boundary,
        source: name,
        attribution: 'Shared',
        inferences: work.inferences,
        time: new Date(interval.to).toISOString(),
      };
      return [{ work, reading }];
    });
  });
}
