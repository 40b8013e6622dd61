// Standardised training points, laid out for thousands of distance computations in a few microseconds each.

export interface PointSet {
  count: number;
  /** Columns in which the points differ. */
  varying: readonly number[];
  /** Columns in which all points are zero, the mean: they tell how far a strange graph is, from all points alike. */
  fixed: readonly number[];
  /** Row-major, varying columns only. */
  values: Float64Array;
}

export function pointSet(points: readonly (readonly number[])[]): PointSet {
  const width = points[0]?.length ?? 0;
  const columns = Array.from({ length: width }, (_, column) => column);
  const fixed = columns.filter((column) => points.every((point) => point[column] === 0));
  const varying = columns.filter((column) => !fixed.includes(column));
  const values = Float64Array.from(points.flatMap((point) => varying.map((column) => point[column] ?? 0)));
  return { count: points.length, varying, fixed, values };
}

/** Root mean square difference over all columns, to every point. */
export function distancesTo({ count, varying, fixed, values }: PointSet, point: readonly number[]): Float64Array {
  const width = varying.length + fixed.length;
  let shared = 0;
  for (const column of fixed) shared += (point[column] ?? 0) ** 2;
  const own = varying.map((column) => point[column] ?? 0);
  const distances = new Float64Array(count);
  for (let index = 0, at = 0; index < count; index += 1) {
    let sum = shared;
    for (let k = 0; k < own.length; k += 1, at += 1) {
      const difference = (values[at] as number) - (own[k] as number);
      sum += difference * difference;
    }
    distances[index] = Math.sqrt(sum / Math.max(1, width));
  }
  return distances;
}

/** Infinity when there is no point. */
export function smallest(distances: Float64Array): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (const distance of distances) if (distance < nearest) nearest = distance;
  return nearest;
}
