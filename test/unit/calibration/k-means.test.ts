import { describe, expect, it } from 'vitest';
import { kMeans, nearestPoints, squaredDistance } from '../../../energy/calibration/k-means.ts';
import { randomFrom } from '../../support/random.ts';

describe('choosing a few points for many', () => {
  const random = randomFrom(1);
  const clusters = [
    [0, 0],
    [10, 0],
    [0, 10],
  ];
  const points = clusters.flatMap(([x = 0, y = 0]) => Array.from({ length: 20 }, () => [x + random(), y + random()]));

  it('finds clusters that are far apart', () => {
    const centres = kMeans(points, 3, randomFrom(2));
    for (const [x = 0, y = 0] of clusters)
      expect(Math.min(...centres.map((centre) => squaredDistance(centre, [x + 0.5, y + 0.5])))).toBeLessThan(0.1);
  });

  it('gives the same for the same seed', () => {
    expect(kMeans(points, 5, randomFrom(7))).toEqual(kMeans(points, 5, randomFrom(7)));
  });

  it('takes no point twice, and no more than there are', () => {
    const same = [[1], [1], [1]];
    expect(new Set(nearestPoints(same, [[1], [1]])).size).toBe(2);
    expect(nearestPoints(same, kMeans(same, 9, randomFrom(1))).length).toBeLessThanOrEqual(3);
  });
});
