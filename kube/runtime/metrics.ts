// What kube/ measures. It knows no metrics library: whoever runs it registers these definitions and forwards three methods.

/** Well-known names (`workqueue_*`, `leader_election_*`) as existing dashboards expect them. */
export const metricDefinitions = {
  workqueue_depth: { kind: 'gauge', labels: ['name'], help: 'Keys waiting in a work queue.' },
  workqueue_adds_total: { kind: 'counter', labels: ['name'], help: 'Keys added to a work queue.' },
  workqueue_retries_total: { kind: 'counter', labels: ['name'], help: 'Keys added again after a failure.' },
  workqueue_queue_duration_seconds: { kind: 'histogram', labels: ['name'], help: 'Time a key waits before work on it begins.' },
  workqueue_work_duration_seconds: { kind: 'histogram', labels: ['name'], help: 'Time that work on a key takes.' },
  workqueue_unfinished_work_seconds: { kind: 'gauge', labels: ['name'], help: 'Sum of the ages of work in progress.' },
  workqueue_longest_running_processor_seconds: { kind: 'gauge', labels: ['name'], help: 'Age of the oldest work in progress.' },
  leader_election_master_status: { kind: 'gauge', labels: ['name'], help: '1 while this process leads, else 0.' },
  reconcile_total: { kind: 'counter', labels: ['controller', 'result'], help: 'Finished reconciliations by result.' },
  reconcile_duration_seconds: { kind: 'histogram', labels: ['controller'], help: 'Time that one reconciliation takes.' },
  active_workers: { kind: 'gauge', labels: ['controller'], help: 'Workers that reconcile at this moment.' },
  watch_relists_total: { kind: 'counter', labels: ['resource', 'cause'], help: 'Complete lists taken, by cause.' },
  watch_reconnects_total: { kind: 'counter', labels: ['resource', 'cause'], help: 'Watches opened again, by cause.' },
  cache_missed_changes_total: {
    kind: 'counter',
    labels: ['resource'],
    help: 'Changes that a list showed and the watch before it should have delivered; above 0 means that watches lose events.',
  },
  cluster_state_synced: { kind: 'gauge', labels: ['resource'], help: '1 once the cache of a resource held a complete list.' },
} as const satisfies Record<string, { kind: 'counter' | 'gauge' | 'histogram'; labels: readonly string[]; help: string }>;

type Definitions = typeof metricDefinitions;
export type MetricName = keyof Definitions;
export type NamesOf<Kind> = { [N in MetricName]: Definitions[N]['kind'] extends Kind ? N : never }[MetricName];
export type LabelsOf<N extends MetricName> = Record<Definitions[N]['labels'][number], string>;

/** Closed sets, so that label values never grow with the world. */
export type ReconcileResult = 'done' | 'requeueAfter' | 'stalled' | 'conflict' | 'throttled' | 'failed';
export type RelistCause = 'initial' | 'expired' | 'malformed' | 'failing' | 'periodic';
export type ReconnectCause = 'ended' | 'stalled' | 'error' | 'unreachable';

export interface Metrics {
  count<N extends NamesOf<'counter'>>(name: N, labels: LabelsOf<N>, by?: number): void;
  set<N extends NamesOf<'gauge'>>(name: N, labels: LabelsOf<N>, value: number): void;
  /** Seconds */
  observe<N extends NamesOf<'histogram'>>(name: N, labels: LabelsOf<N>, seconds: number): void;
  /** Called before values are read, for gauges that change by the passing of time alone. */
  beforeScrape(refresh: () => void): void;
}

export const noMetrics: Metrics = {
  count: () => undefined,
  set: () => undefined,
  observe: () => undefined,
  beforeScrape: () => undefined,
};
