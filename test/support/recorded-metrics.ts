import type { LabelsOf, MetricName, Metrics, NamesOf } from '../../kube/runtime/metrics.ts';

/** Metrics as a test reads them: sums of counters, last values of gauges, numbers of observations. */
export class RecordedMetrics implements Metrics {
  readonly #values = new Map<string, number>();
  readonly #refreshers: (() => void)[] = [];

  value<N extends MetricName>(name: N, labels: LabelsOf<N>): number {
    for (const refresh of this.#refreshers) refresh();
    return this.#values.get(idOf(name, labels)) ?? 0;
  }

  count<N extends NamesOf<'counter'>>(name: N, labels: LabelsOf<N>, by = 1): void {
    this.#add(idOf(name, labels), by);
  }

  set<N extends NamesOf<'gauge'>>(name: N, labels: LabelsOf<N>, value: number): void {
    this.#values.set(idOf(name, labels), value);
  }

  observe<N extends NamesOf<'histogram'>>(name: N, labels: LabelsOf<N>): void {
    this.#add(idOf(name, labels), 1);
  }

  beforeScrape(refresh: () => void): void {
    this.#refreshers.push(refresh);
  }

  #add(id: string, by: number): void {
    this.#values.set(id, (this.#values.get(id) ?? 0) + by);
  }
}

function idOf(name: string, labels: Record<string, string>): string {
  return `${name} ${JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))}`;
}
