// What a model did with requests from outside while a traffic test watches: the controlled loop's own are not in it.
import type { TrafficFigures } from '../../crds/model-instance.ts';

const keptLatencies = 20_000;
const quantile = 0.95;
/** Two-sided 95 %. */
const normal = 1.96;

export class LiveStatistics {
  readonly compareAnswers: boolean;
  inferences = 0;
  errors = 0;
  compared = 0;
  agreed = 0;
  readonly #latencies: number[] = [];

  constructor(compareAnswers: boolean) {
    this.compareAnswers = compareAnswers;
  }

  recordSuccess(milliseconds: number): void {
    this.inferences++;
    if (this.#latencies.length < keptLatencies) this.#latencies.push(milliseconds * 1000);
  }

  recordError(): void {
    this.errors++;
  }

  recordComparison(same: boolean): void {
    this.compared++;
    if (same) this.agreed++;
  }

  figures(): TrafficFigures {
    const { inferences, errors } = this;
    return { inferences, errors, ...p95Interval(this.#latencies) };
  }
}

/** The 95th percentile and its 95 % interval by order statistics: no distribution is assumed. Nothing of fewer than 20 latencies. */
export function p95Interval(latenciesMicroseconds: readonly number[]): Omit<TrafficFigures, 'inferences' | 'errors'> {
  const count = latenciesMicroseconds.length;
  if (count < 20) return {};
  const sorted = Float64Array.from(latenciesMicroseconds).sort();
  const at = (rank: number) => Math.round(sorted[Math.min(count, Math.max(1, rank)) - 1] ?? 0);
  const half = normal * Math.sqrt(count * quantile * (1 - quantile));
  return {
    p95LatencyMicroseconds: at(Math.ceil(count * quantile)),
    p95LowerMicroseconds: at(Math.floor(count * quantile - half)),
    p95UpperMicroseconds: at(Math.ceil(count * quantile + half) + 1),
  };
}
