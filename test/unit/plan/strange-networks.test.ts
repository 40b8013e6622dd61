import { expect, it } from 'vitest';
import { judgeBudget } from '../../../controller/estimate/admission.ts';
import { budgetFor } from '../../../controller/estimate/budget-question.ts';
import type { SnapshotSources } from '../../../controller/placement/snapshot.ts';
import { decideSide } from '../../../controller/plan/decide-side.ts';
import { plannedWorld } from '../../../controller/plan/planned-world.ts';
import { testPrediction } from '../../support/test-prediction.ts';
import { deployment, device, fleet, now, version } from './planned-fleet.ts';

/** 100 to 200 ms and little energy, of a network that is like the known ones or unlike them. */
function estimatorOf(inDomain: boolean): SnapshotSources['estimator'] {
  const latencySeconds = { estimate: 0.15, lower: 0.1, upper: 0.2 };
  const prediction = testPrediction('raspberry-pi-5@1', [0.01, 0.009, 0.011], { inDomain, latencySeconds });
  return {
    predict: () => prediction,
    idleWatts: () => undefined,
    estimate: (of, { name, digest }) => {
      const question = budgetFor(of, 'raspberry-pi-5');
      return { variant: name, digest, boundary: 'Board', prediction, ...judgeBudget(question, { prediction }) };
    },
  };
}

it.each([
  ['like the known ones', true, 0],
  ['unlike all that the predictor knows, which only a measurement can refuse', false, 1],
])('a limit of latency and a network %s', (_, inDomain, placed) => {
  const objects = fleet({
    deployments: [deployment('cells', { requirements: { p95LatencyMilliseconds: 50 } })],
    versions: [version('cell-1', '1')],
    devices: [device('pi', 'raspberry-pi-5')],
  });
  expect(decideSide(plannedWorld(objects, estimatorOf(inDomain), now), now).instances).toHaveLength(placed);
});
