// A board's noisy power through a meter, and the measurement procedures run on it.
import { meanLogInterval } from '../../energy/measurement/intervals.ts';
import { judgePaired, type Summary } from '../../energy/measurement/sequential-test.ts';
import { gaussian, randomFrom } from './random.ts';

export interface Meter {
  samplesPerSecond: number;
  /** Power reading's step. */
  stepWatts: number;
}

/** A board's power as a meter sees it: a level that wanders second by second (AR(1)), read in steps. */
export class NoisyBoard {
  readonly #normal: () => number;
  readonly #correlation: number;
  readonly #relativeSd: number;
  #state = 0;

  constructor(seed: number, correlation: number, relativeSd: number) {
    this.#normal = normalsOf(seed);
    this.#correlation = correlation;
    this.#relativeSd = relativeSd;
    this.#state = this.#relativeSd * this.#normal();
  }

  /** Mean watts over a window. */
  window(watts: number, seconds: number, { samplesPerSecond, stepWatts }: Meter): number {
    const perSecond = Math.max(1, Math.round(samplesPerSecond));
    const every = samplesPerSecond < 1 ? Math.round(1 / samplesPerSecond) : 1;
    let sum = 0;
    let count = 0;
    for (let second = 0; second < seconds; second += 1) {
      const innovation = this.#relativeSd * Math.sqrt(1 - this.#correlation ** 2) * this.#normal();
      this.#state = this.#correlation * this.#state + innovation;
      if (second % every !== 0) continue;
      for (let sample = 0; sample < perSecond; sample += 1) {
        const true_ = watts * (1 + this.#state) + 0.2 * stepWatts * this.#normal();
        sum += stepWatts > 0 ? stepWatts * Math.round(true_ / stepWatts) : true_;
        count += 1;
      }
    }
    return sum / count;
  }
}

const meters: [string, Meter, number][] = [
  ['0.2 Hz', { samplesPerSecond: 0.2, stepWatts: 0.01 }, 60],
  ['1 Hz', { samplesPerSecond: 1, stepWatts: 0.01 }, 60],
  ['10 Hz in 40 mW steps', { samplesPerSecond: 10, stepWatts: 0.04 }, 10],
];
const noises: [number, number][] = [
  [0.5, 0.027],
  [0.8, 0.05],
];
export const scenarios = meters.flatMap(([name, meter, seconds]) =>
  noises.map(([rho, sd]) => ({ name, meter, seconds, rho, sd })),
);

export type Scenario = (typeof scenarios)[number];

function normalsOf(seed: number): () => number {
  const random = randomFrom(seed);
  return () => gaussian(random);
}

/** Whether the 90 % interval of six windows, each after a restart, holds the truth. */
export function intervalCovers(seed: number, { meter, seconds, rho, sd }: Scenario): boolean {
  const watts = 5;
  const samples = Array.from({ length: 6 }, (_, window) =>
    new NoisyBoard(seed * 100 + window, rho, sd).window(watts, seconds, meter),
  );
  const { lower, upper } = meanLogInterval(samples, { confidencePercent: 90, gainRelativeSd: 0, baselineRelativeSd: 0 });
  return lower <= watts && watts <= upper;
}

/** Share of runs that end so. */
export function shareOf(runs: number, firstSeed: number, holds: (seed: number) => boolean): number {
  let count = 0;
  for (let run = 0; run < runs; run += 1) count += Number(holds(firstSeed + run));
  return count / runs;
}

export function summaryOf(values: readonly number[]): Summary {
  const meanLog = values.reduce((sum, value) => sum + value, 0) / values.length;
  const varianceLog = values.reduce((sum, value) => sum + (value - meanLog) ** 2, 0) / (values.length - 1);
  return { count: values.length, meanLog, varianceLog };
}

/** Runs the whole sequential procedure on one board that is measured without restarts. */
export function pairedVerdict(seed: number, change: number, scenario: Scenario): string {
  const board = new NoisyBoard(seed, scenario.rho, scenario.sd);
  const window = (watts: number) => Math.log(board.window(watts, scenario.seconds, scenario.meter));
  const ratios: number[] = [];
  for (;;) {
    const [a1, b1, b2, a2] = [5, 5 * change, 5 * change, 5].map(window) as [number, number, number, number];
    ratios.push((b1 + b2 - a1 - a2) / 2);
    if (ratios.length < 2) continue;
    const state = judgePaired({ ratio: summaryOf(ratios), marginPercent: 5 });
    if (state.kind !== 'Running') return state.kind;
  }
}
