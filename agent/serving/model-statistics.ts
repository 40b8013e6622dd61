/** Counts and latencies of one served model. Percentiles are of the last 2,048 requests. */
export class ModelStatistics {
  inferences = 0;
  errors = 0;
  /** Sum of the model's own time, for energy windows. */
  modelSeconds = 0;
  readonly #latencies = new Float64Array(2048);
  #filled = 0;
  #next = 0;

  recordSuccess(latencyMicroseconds: number, modelMicroseconds: number): void {
    this.inferences++;
    this.modelSeconds += modelMicroseconds / 1e6;
    this.#latencies[this.#next] = latencyMicroseconds;
    this.#next = (this.#next + 1) % this.#latencies.length;
    this.#filled = Math.min(this.#filled + 1, this.#latencies.length);
  }

  recordError(): void {
    this.errors++;
  }

  percentiles(): { p50: number; p95: number; p99: number } | undefined {
    return percentilesOf(this.#latencies.subarray(0, this.#filled));
  }
}

/** Nearest-rank percentiles, whole microseconds; undefined of nothing. */
export function percentilesOf(microseconds: ArrayLike<number>): { p50: number; p95: number; p99: number } | undefined {
  if (microseconds.length === 0) return undefined;
  const sorted = Float64Array.from(microseconds).sort();
  const at = (fraction: number) => Math.round(sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? 0);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
