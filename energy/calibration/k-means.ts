// A few points that stand for many: which networks to measure on a board that nobody has measured.

type Point = readonly number[];

export function squaredDistance(left: Point, right: Point): number {
  let sum = 0;
  for (let index = 0; index < left.length; index += 1) {
    const difference = (left[index] as number) - (right[index] as number);
    sum += difference * difference;
  }
  return sum;
}

/** Lloyd's algorithm from k-means++ starts (Arthur and Vassilvitskii, 2007); of `restarts` the one with the smallest sum of squares. */
export function kMeans(points: readonly Point[], count: number, random: () => number, restarts = 10): Point[] {
  let best: { centres: Point[]; cost: number } | undefined;
  for (let start = 0; start < restarts; start += 1) {
    const centres = settle(points, firstCentres(points, count, random));
    const cost = points.reduce((sum, point) => sum + gap(point, centres), 0);
    if (!best || cost < best.cost) best = { centres, cost };
  }
  return best?.centres ?? [];
}

/** Index of the nearest point of each centre that no centre before it has taken. */
export function nearestPoints(points: readonly Point[], centres: readonly Point[]): number[] {
  const taken = new Set<number>();
  for (const centre of centres) {
    let nearest: number | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const [index, point] of points.entries()) {
      const distance = squaredDistance(point, centre);
      if (taken.has(index) || distance >= least) continue;
      nearest = index;
      least = distance;
    }
    if (nearest !== undefined) taken.add(nearest);
  }
  return [...taken];
}

/** Squared distance to the nearest centre. */
function gap(point: Point, centres: readonly Point[]): number {
  return centres.reduce((least, centre) => Math.min(least, squaredDistance(point, centre)), Number.POSITIVE_INFINITY);
}

function firstCentres(points: readonly Point[], count: number, random: () => number): Point[] {
  const centres: Point[] = [points[Math.floor(random() * points.length)] ?? []];
  while (centres.length < Math.min(count, points.length)) {
    const weights = points.map((point) => gap(point, centres));
    let remaining = random() * weights.reduce((sum, weight) => sum + weight, 0);
    const chosen = weights.findIndex((weight) => {
      remaining -= weight;
      return remaining <= 0;
    });
    centres.push(points[chosen] ?? points[0] ?? []);
  }
  return centres;
}

const maximumRounds = 100;

function settle(points: readonly Point[], first: readonly Point[]): Point[] {
  let centres = [...first];
  let assigned: number[] = [];
  for (let round = 0; round < maximumRounds; round += 1) {
    const now = points.map((point) => nearest(point, centres));
    if (now.every((centre, index) => centre === assigned[index])) break;
    assigned = now;
    centres = centres.map((centre, index) => middle(points.filter((_, at) => assigned[at] === index)) ?? centre);
  }
  return centres;
}

function nearest(point: Point, centres: readonly Point[]): number {
  let found = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const [index, centre] of centres.entries()) {
    const distance = squaredDistance(point, centre);
    if (distance >= least) continue;
    found = index;
    least = distance;
  }
  return found;
}

function middle(points: readonly Point[]): Point | undefined {
  return points[0]?.map((_, column) => points.reduce((sum, point) => sum + (point[column] ?? 0), 0) / points.length);
}
