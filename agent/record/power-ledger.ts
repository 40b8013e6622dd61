import type { Boundary } from '../../crds/shared.ts';

/** What one revision drew over a stretch of time, as one meter saw it. */
export interface PowerStretch {
  revision: string;
  boundary: Boundary;
  source: string;
  /** Milliseconds since the epoch. */
  from: number;
  to: number;
  /** Time in which the revision was loaded; what was not measured of it is not known, and not filled. */
  loadedSeconds: number;
  /** Time in which the meter answered: what wholeJoules covers. */
  wholeSeconds: number;
  /** Of that, the time in which the idle power was known: what the marginal energy covers. */
  marginalSeconds: number;
  wholeJoules: number;
  /** Above idle. Beside other models at work, a model's share is known only within bounds. */
  marginalJoules: number;
  marginalLowerJoules: number;
  marginalUpperJoules: number;
  /** One standard deviation of the idle power over marginalSeconds. One baseline serves many stretches, so these add up plainly. */
  idleErrorJoules: number;
  /** The model's own time. */
  busySeconds: number;
}

const keptMilliseconds = 24 * 3_600_000;
/** Older stretches are added up in steps of this. */
const coarseMilliseconds = 600_000;
const fineStretches = 720;
const maximumStretches = fineStretches + 2 * Math.ceil(keptMilliseconds / coarseMilliseconds);

/** The last 24 hours of every revision at every boundary: fine for the last minutes, in steps of ten minutes before. */
export class PowerLedger {
  readonly #stretches = new Map<string, PowerStretch[]>();

  /** @param before what was kept over a restart. */
  constructor(before: readonly PowerStretch[] = []) {
    for (const stretch of before) this.#of(stretch).push({ ...stretch });
  }

  add(stretch: PowerStretch): void {
    const list = this.#of(stretch);
    list.push(stretch);
    if (list.length > maximumStretches) this.#stretches.set(keyOf(stretch), compact(list, fineStretches, stretch.to));
  }

  /** The sum of what lies, by its middle, after `since`; undefined when there is nothing. */
  sum(revision: string, boundary: Boundary, since: number): PowerStretch | undefined {
    const list = this.#stretches.get(keyOf({ revision, boundary })) ?? [];
    return list.filter((stretch) => (stretch.from + stretch.to) / 2 >= since).reduce<PowerStretch | undefined>(add, undefined);
  }

  /** Forgets revisions that no slot names any more. */
  keepOnly(revisions: ReadonlySet<string>): void {
    for (const [key, [first]] of this.#stretches) if (!first || !revisions.has(first.revision)) this.#stretches.delete(key);
  }

  /** In steps of ten minutes, for the disk. */
  records(revisions: ReadonlySet<string>, now: number): PowerStretch[] {
    return [...this.#stretches.values()].flatMap((list) =>
      list[0] && revisions.has(list[0].revision) ? compact(list, 0, now) : [],
    );
  }

  #of(of: Pick<PowerStretch, 'revision' | 'boundary'>): PowerStretch[] {
    const known = this.#stretches.get(keyOf(of)) ?? [];
    this.#stretches.set(keyOf(of), known);
    return known;
  }
}

function keyOf({ revision, boundary }: Pick<PowerStretch, 'revision' | 'boundary'>): string {
  return `${boundary} ${revision}`;
}

/** Drops what is older than a day, and adds up all but the last `fine` by steps of ten minutes. */
function compact(list: readonly PowerStretch[], fine: number, now: number): PowerStretch[] {
  const kept = list.filter((stretch) => stretch.to > now - keptMilliseconds);
  const old = fine === 0 ? kept : kept.slice(0, -fine);
  const steps = new Map<number, PowerStretch>();
  for (const stretch of old) {
    const step = Math.floor(stretch.from / coarseMilliseconds);
    steps.set(step, add(steps.get(step), stretch));
  }
  return [...steps.values(), ...(fine === 0 ? [] : kept.slice(-fine))];
}

function add(sum: PowerStretch | undefined, next: PowerStretch): PowerStretch {
  if (!sum) return { ...next };
  return {
    ...next,
    from: Math.min(sum.from, next.from),
    to: Math.max(sum.to, next.to),
    loadedSeconds: sum.loadedSeconds + next.loadedSeconds,
    wholeSeconds: sum.wholeSeconds + next.wholeSeconds,
    marginalSeconds: sum.marginalSeconds + next.marginalSeconds,
    wholeJoules: sum.wholeJoules + next.wholeJoules,
    marginalJoules: sum.marginalJoules + next.marginalJoules,
    marginalLowerJoules: sum.marginalLowerJoules + next.marginalLowerJoules,
    marginalUpperJoules: sum.marginalUpperJoules + next.marginalUpperJoules,
    idleErrorJoules: sum.idleErrorJoules + next.idleErrorJoules,
    busySeconds: sum.busySeconds + next.busySeconds,
  };
}
