import type { Reading } from './power-source.ts';

export interface Integrated {
  joules: number;
  integratedSeconds: number;
  /** Time that no reading covers. It is never filled. */
  gapSeconds: number;
}

/** A pause longer than this many intervals is a gap. */
const gapIntervals = 3;

/** Adds up one source: trapezoids of power on the monotonic clock, differences of counters. Never goes down. */
export class Integrator {
  readonly #intervalMilliseconds: number;
  #last: { reading: Reading; at: number } | undefined;
  /** Monotonic milliseconds of the last reading before the source went away. */
  #lostAt: number | undefined;
  #joules = 0;
  #integratedSeconds = 0;
  #gapSeconds = 0;

  constructor(intervalMilliseconds: number) {
    this.#intervalMilliseconds = intervalMilliseconds;
  }

  get total(): Integrated {
    return { joules: this.#joules, integratedSeconds: this.#integratedSeconds, gapSeconds: this.#gapSeconds };
  }

  /** @param at monotonic milliseconds. A reading from before the last one, or one that is no number, is left out. */
  add(reading: Reading, at: number): void {
    if (!isSound(reading)) return;
    const last = this.#last;
    if (last && at <= last.at) return;
    this.#last = { reading, at };
    if (this.#lostAt !== undefined) this.#gapSeconds += Math.max(0, at - this.#lostAt) / 1000;
    this.#lostAt = undefined;
    if (!last || last.reading.kind !== reading.kind) return;
    const seconds = (at - last.at) / 1000;
    if (reading.kind === 'energy' && last.reading.kind === 'energy') {
      this.#addCounter(last.reading.joules, reading, seconds);
    } else if (reading.kind === 'power' && last.reading.kind === 'power') {
      if (seconds * 1000 > gapIntervals * this.#intervalMilliseconds) {
        this.#gapSeconds += seconds;
        return;
      }
      this.#joules += ((last.reading.watts + reading.watts) / 2) * seconds;
      this.#integratedSeconds += seconds;
    }
  }

  /** The source is gone: what follows its return begins anew, and the time until then is a gap. */
  interrupt(): void {
    this.#lostAt ??= this.#last?.at;
    this.#last = undefined;
  }

  /** Nobody asks the source for a while: that is no gap. */
  rest(): void {
    this.#last = undefined;
    this.#lostAt = undefined;
  }

  #addCounter(previous: number, reading: { joules: number; wrapJoules?: number }, seconds: number): void {
    const joules = counterDifference(previous, reading.joules, reading.wrapJoules);
    if (joules === undefined) {
      this.#gapSeconds += seconds;
      return;
    }
    this.#joules += joules;
    this.#integratedSeconds += seconds;
  }
}

function isSound(reading: Reading): boolean {
  return reading.kind === 'power'
    ? Number.isFinite(reading.watts) && reading.watts >= 0
    : Number.isFinite(reading.joules) && reading.joules >= 0;
}

/** How far a counter went on. One that went down has wrapped where it says that it wraps; else it was reset and nothing is known. */
export function counterDifference(previous: number, now: number, wrap: number | undefined): number | undefined {
  if (now >= previous) return now - previous;
  return wrap === undefined || previous > wrap ? undefined : now + wrap - previous;
}
