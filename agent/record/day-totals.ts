/** Energy of one source on one day. */
export interface DayTotal {
  /** UTC, such as 2026-11-21. */
  day: string;
  /** A power source, or `model <namespace>/<deployment>`. */
  of: string;
  joules: number;
}

const keptDays = 8;

/** Energy per day (UTC), of each power source and of each model: a restart takes nothing from it. */
export class DayTotals {
  #totals: DayTotal[];

  constructor(before: readonly DayTotal[]) {
    this.#totals = before.map((total) => ({ ...total }));
  }

  /** @param now milliseconds since the epoch: the day that the energy is counted on. */
  add(of: string, joules: number, now: number): void {
    if (!(joules > 0)) return;
    const day = dayOf(now);
    const known = this.#totals.find((total) => total.day === day && total.of === of);
    if (known) {
      known.joules += joules;
      return;
    }
    this.#totals.push({ day, of, joules });
    const days = [...new Set(this.#totals.map((total) => total.day))].toSorted().slice(-keptDays);
    this.#totals = this.#totals.filter((total) => days.includes(total.day));
  }

  on(now: number): readonly DayTotal[] {
    const day = dayOf(now);
    return this.#totals.filter((total) => total.day === day);
  }

  records(): readonly DayTotal[] {
    return this.#totals;
  }
}

function dayOf(now: number): string {
  return new Date(now).toISOString().slice(0, 10);
}
