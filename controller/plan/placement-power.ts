// What one placement adds to its device at the declared load. Pure.
import type { EdgeDevice } from '../../crds/edge-device.ts';
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import { predictPower } from '../../energy/prediction/verdict.ts';
import { parseRate } from '../../energy/units.ts';
import type { VariantEstimate } from '../estimate/estimator.ts';
import type { SnapshotSources } from '../placement/snapshot.ts';
import type { PlannedPlacement } from './fleet-plan.ts';

/** At the boundary of the budget: values of different boundaries are never added. */
export function placementPower(
  estimator: Pick<SnapshotSources['estimator'], 'idleWatts'>,
  deployment: ModelDeployment,
  device: EdgeDevice,
  estimate: VariantEstimate | undefined,
): Pick<PlannedPlacement, 'watts' | 'unknown'> {
  const rate = deployment.spec.load?.requestRate;
  if (rate === undefined) return { unknown: 'no load.requestRate is declared' };
  if (!estimate) return { unknown: 'its model is not known here' };
  const { prediction, boundary } = estimate;
  if (prediction?.boundary !== boundary) return { unknown: `no prediction at ${boundary}` };
  const idleWatts = estimator.idleWatts(device, boundary);
  const power = predictPower(prediction, {
    requestRate: parseRate(rate),
    powerBasis: 'Marginal',
    ...(idleWatts === undefined ? {} : { idleWatts }),
  });
  return power.kind === 'power' ? { watts: power.watts } : { unknown: power.judgement.message };
}
