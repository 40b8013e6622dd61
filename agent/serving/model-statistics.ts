/** What a model did before it was loaded this time: JSON, for the disk. */
export interface StatisticsRecord {
  inferences: number;
  errors: number;
  /** Of the last requests, oldest first; whole microseconds. */
  latenciesMicroseconds: number[];
}

const keptLatencies = 2048;

/** Counts and latencies of one served model. Percentiles are of the last 2,048 requests. */
export class ModelStatistics {
  /** Since it was loaded: what measured windows count. */
  inferences = 0;
  errors = 0;
  /** Sum of the model's own time, for energy windows. */
  modelSeconds = 0;
  readonly #before: Pick<StatisticsRecord, 'inferences' | 'errors'>;
  readonly #latencies = new Float64Array(keptLatencies);
  #filled = 0;
  #next = 0;

  constructor(before?: StatisticsRecord) {
    this.#before = before ?? { inferences: 0, errors: 0 };
    for (const latency of before?.latenciesMicroseconds.slice(-keptLatencies) ?? []) this.#addLatency(latency);
  }

  recordSuccess(latencyMicroseconds: number, modelMicroseconds: number): void {
    this.inferences++;
    this.modelSeconds += modelMicroseconds / 1e6;
    this.#addLatency(latencyMicroseconds);
  }

  recordError(): void {
    this.errors++;
  }

  percentiles(): { p50: number; p95: number; p99: number } | undefined {
    return percentilesOf(this.#latencies.subarray(0, this.#filled));
  }

  /** With everything from before this load: what status shows, and what the next load begins with. */
  toRecord(): StatisticsRecord {
    const oldest = this.#filled < keptLatencies ? 0 : this.#next;
    const latencies = [...this.#latencies.subarray(oldest, this.#filled), ...this.#latencies.subarray(0, oldest)];
    return { ...this.totals(), latenciesMicroseconds: latencies.map(Math.round) };
  }

  totals(): { inferences: number; errors: number } {
    return { inferences: this.#before.inferences + this.inferences, errors: this.#before.errors + this.errors };
  }

  #addLatency(microseconds: number): void {
    this.#latencies[this.#next] = microseconds;
    this.#next = (this.#next + 1) % keptLatencies;
    this.#filled = Math.min(this.#filled + 1, keptLatencies);
  }
}

/** Nearest-rank percentiles, whole microseconds; undefined of nothing. */
export function percentilesOf(microseconds: ArrayLike<number>): { p50: number; p95: number; p99: number } | undefined {
  if (microseconds.length === 0) return undefined;
  const sorted = Float64Array.from(microseconds).sort();
  const at = (fraction: number) => Math.round(sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? 0);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
