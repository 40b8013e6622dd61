// How far the networks that one predictor was trained on are from the probes of another board.
import { distancesTo, type PointSet, smallest } from '../prediction/regression/point-set.ts';

/** Distance of each network to the nearest probe; both in the same standardised descriptors. */
export function networkDistances(networks: PointSet, probes: PointSet): number[] {
  const { count, varying, fixed, values } = networks;
  const width = varying.length;
  return Array.from({ length: count }, (_, index) => {
    const point = Array.from<number>({ length: width + fixed.length }).fill(0);
    for (const [at, column] of varying.entries()) point[column] = values[index * width + at] ?? 0;
    return smallest(distancesTo(probes, point));
  });
}
