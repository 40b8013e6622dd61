// How far a graph is from everything a predictor was trained on: decides in-domain, and fades the residual out.
import { distanceBetween } from './gaussian-process.ts';

export interface Hull {
  /** Per descriptor: centre and scale of standardisation, the descriptor's weight included. */
  means: readonly number[];
  scales: readonly number[];
  /** Distances up to this are ordinary between training architectures. */
  reach: number;
}

/** A descriptor that hardly varies in training must not make every other graph look infinitely far. */
const minimumScale = 0.02;
/** Standardised values are kept within this: one wild descriptor is far, not infinitely far. */
const clip = 6;

export function standardize(hull: Pick<Hull, 'means' | 'scales'>, raw: readonly number[]): number[] {
  return raw.map((value, index) => {
    const scaled = (value - (hull.means[index] ?? 0)) / (hull.scales[index] ?? 1);
    return Math.min(clip, Math.max(-clip, scaled));
  });
}

export function fitHull(
  raw: readonly (readonly number[])[],
  groups: readonly string[],
  quantile: number,
  weights: readonly number[],
): Hull {
  const width = raw[0]?.length ?? 0;
  const count = Math.max(1, raw.length);
  const means = Array.from({ length: width }, (_, k) => raw.reduce((sum, row) => sum + (row[k] ?? 0), 0) / count);
  const scales = means.map((mean, k) => {
    const variance = raw.reduce((sum, row) => sum + ((row[k] ?? 0) - mean) ** 2, 0) / count;
    return Math.max(minimumScale, Math.sqrt(variance)) / (weights[k] ?? 1);
  });
  const points = raw.map((row) => standardize({ means, scales }, row));
  const nearest = points.map((point, index) => nearestDistance(point, points, (other) => groups[other] !== groups[index]));
  const sorted = nearest.filter(Number.isFinite).sort((left, right) => left - right);
  const reach = sorted[Math.min(sorted.length - 1, Math.floor(quantile * sorted.length))] ?? 0;
  return { means, scales, reach };
}

/** Infinity when there is no point to compare with. */
export function nearestDistance(
  point: readonly number[],
  points: readonly (readonly number[])[],
  counts: (index: number) => boolean = () => true,
): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (const [index, other] of points.entries()) if (counts(index)) nearest = Math.min(nearest, distanceBetween(point, other));
  return nearest;
}

/** 1 within reach, falling smoothly to 0: at twice the reach, about a third of the residual is left. */
export function gate(distance: number, reach: number): number {
  if (distance <= reach || reach === 0) return distance <= reach ? 1 : 0;
  return Math.exp(-(distance / reach - 1));
}
