// Metrics of fleet repositories, a series each: bounded, and gone with its repository.
import { Counter, Gauge, type Registry } from 'prom-client';
import { parseKey } from '../../kube/api/resource.ts';

/** Beyond so many repositories the rest share one series: names must not fill a metrics database. */
const maximumSeries = 200;
const others = { namespace: '', repository: 'others' };

export interface SyncMetrics {
  /** @param key namespace/name. @param seconds what the pass took. @param now milliseconds */
  record(key: string, pass: { applied: boolean; seconds: number; now: number }): void;
  forget(key: string): void;
}

export function createSyncMetrics(registry: Registry): SyncMetrics {
  const common = { labelNames: ['namespace', 'repository'] as const, registers: [registry] };
  const applied = new Gauge({
    ...common,
    name: 'jouleops_git_sync_timestamp_seconds',
    help: 'When a fleet repository was last applied without errors.',
  });
  const duration = new Gauge({
    ...common,
    name: 'jouleops_git_sync_duration_seconds',
    help: 'How long the last pass over a fleet repository took.',
  });
  const failed = new Counter({
    ...common,
    name: 'jouleops_git_sync_errors_total',
    help: 'Attempts to apply a fleet repository that ended in errors.',
  });
  const known = new Set<string>();
  const labelsOf = (key: string) => {
    if (!known.has(key) && known.size >= maximumSeries) return others;
    known.add(key);
    const { namespace = '', name } = parseKey(key);
    return { namespace, repository: name };
  };
  return {
    record(key, pass) {
      const labels = labelsOf(key);
      duration.set(labels, pass.seconds);
      // A counter that is not there cannot be told from one that stands at nought.
      failed.inc(labels, pass.applied ? 0 : 1);
      if (pass.applied) applied.set(labels, pass.now / 1000);
    },
    forget(key) {
      if (!known.delete(key)) return;
      const { namespace = '', name } = parseKey(key);
      for (const metric of [applied, duration, failed]) metric.remove({ namespace, repository: name });
    },
  };
}
