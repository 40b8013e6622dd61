// Metrics of the controller, by the names in its documentation; gauges about the fleet are read from the caches at scrape time.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { CalibrationStatus } from '../crds/device-class.ts';
import type { ModelDeployment } from '../crds/model-deployment.ts';
import { parseEnergy } from '../energy/units.ts';
import { type MetricName, type Metrics, metricDefinitions } from '../kube/runtime/metrics.ts';
import type { Caches } from './caches.ts';
import { createSyncMetrics, type SyncMetrics } from './fleet/sync-metrics.ts';

export interface ControllerMetrics {
  registry: Registry;
  /** What kube/ measures. */
  runtime: Metrics;
  rolledBack(reason: string): void;
  fleetSyncs: SyncMetrics;
  /** Gauges over objects; called once the caches exist. */
  observe(caches: Caches): void;
}

const secondsBuckets = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60];
/** Names that dashboards of others know stay as they are. */
const wellKnown = /^(workqueue|leader_election)_/;

export function createControllerMetrics(version: string): ControllerMetrics {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: 'jouleops_build_info',
    help: 'Version of the controller.',
    labelNames: ['version', 'runtime'],
    registers,
  }).set({ version, runtime: process.version }, 1);
  processGauges(registry);
  const rollbacks = new Counter({
    name: 'jouleops_deployment_rollbacks_total',
    help: 'Revisions taken back from devices, by reason.',
    labelNames: ['reason'],
    registers,
  });
  return {
    registry,
    runtime: runtimeMetrics(registry),
    rolledBack: (reason) => rollbacks.inc({ reason }),
    fleetSyncs: createSyncMetrics(registry),
    observe: (caches) => fleetGauges(registry, caches),
  };
}

function runtimeMetrics(registry: Registry): Metrics {
  const made = new Map<string, Counter | Gauge | Histogram>();
  const refreshers: (() => void)[] = [];
  let refreshed = false;
  for (const [name, definition] of Object.entries(metricDefinitions)) {
    const configuration = {
      name: wellKnown.test(name) ? name : `jouleops_${name}`,
      help: definition.help,
      labelNames: [...definition.labels],
      registers: [registry],
    };
    if (definition.kind === 'counter') made.set(name, new Counter(configuration));
    else if (definition.kind === 'histogram') made.set(name, new Histogram({ ...configuration, buckets: secondsBuckets }));
    else made.set(name, new Gauge({ ...configuration, collect: () => refreshOnce() }));
  }
  /** All refreshers run once per scrape, whichever gauge is collected first. */
  function refreshOnce(): void {
    if (refreshed) return;
    refreshed = true;
    setImmediate(() => {
      refreshed = false;
    });
    for (const refresh of refreshers) refresh();
  }
  const find = <T>(name: MetricName) => made.get(name) as T;
  return {
    count: (name, labels, by = 1) => find<Counter>(name).inc(labels as Record<string, string>, by),
    set: (name, labels, value) => find<Gauge>(name).set(labels as Record<string, string>, value),
    observe: (name, labels, seconds) => find<Histogram>(name).observe(labels as Record<string, string>, seconds),
    beforeScrape: (refresh) => refreshers.push(refresh),
  };
}

function processGauges(registry: Registry): void {
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the process.',
    registers: [registry],
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'When the process started.',
    registers: [registry],
    collect() {
      this.set(Math.round(Date.now() / 1000 - process.uptime()));
    },
  });
}

function fleetGauges(registry: Registry, caches: Caches): void {
  const registers = [registry];
  new Gauge({
    name: 'jouleops_devices',
    help: 'Devices by class and readiness.',
    labelNames: ['class', 'ready'],
    registers,
    collect() {
      this.reset();
      for (const { status } of caches.devices.store.list()) {
        const ready = status?.conditions?.find((condition) => condition.type === 'Ready')?.status ?? 'Unknown';
        this.inc({ class: status?.deviceClassName ?? '', ready });
      }
    },
  });
  new Gauge({
    name: 'jouleops_deployments',
    help: 'ModelDeployments by condition and status.',
    labelNames: ['condition', 'status'],
    registers,
    collect() {
      this.reset();
      for (const { status } of caches.deployments.store.list())
        for (const condition of status?.conditions ?? []) this.inc({ condition: condition.type, status: condition.status });
    },
  });
  predictorGauges(registry, caches);
  for (const [kind, read] of Object.entries(energyReaders)) {
    new Gauge({
      name: `jouleops_deployment_${kind}`,
      help: `Energy per inference of a deployment: ${kind.replaceAll('_', ' ')}. Absent while unknown.`,
      labelNames: ['namespace', 'deployment'],
      registers,
      collect() {
        this.reset();
        for (const deployment of caches.deployments.store.list()) {
          const value = read(deployment);
          if (value !== undefined)
            this.set(
              { namespace: deployment.metadata.namespace ?? '', deployment: deployment.metadata.name },
              parseEnergy(value),
            );
        }
      },
    });
  }
}

/** What measurements say of each predictor; absent before the first. */
const calibrationReaders: Record<string, { help: string; read: (entry: CalibrationStatus) => number | undefined }> = {
  predictor_absolute_percentage_error_ratio: {
    help: 'Mean error of a predictor against measurements that it had not learned from.',
    read: ({ errorPermille }) => (errorPermille === undefined ? undefined : errorPermille / 1000),
  },
  predictor_interval_coverage_ratio: {
    help: 'Share of measurements inside the interval that was predicted before them.',
    read: ({ intervalCoveragePermille }) =>
      intervalCoveragePermille === undefined ? undefined : intervalCoveragePermille / 1000,
  },
  predictor_measurements: { help: 'Measurements that a predictor has learned from.', read: ({ samples }) => samples },
  predictor_quarantined_meters: {
    help: 'Power meters whose measurements no network explains: nothing of theirs is learned.',
    read: ({ quarantined = [] }) => quarantined.length,
  },
};

function predictorGauges(registry: Registry, caches: Caches): void {
  const perPredictor = (
    name: string,
    help: string,
    set: (gauge: Gauge, entry: CalibrationStatus, labels: Labels) => void,
    extra: string[] = [],
  ) =>
    new Gauge({
      name: `jouleops_${name}`,
      help,
      labelNames: ['class', 'predictor', ...extra],
      registers: [registry],
      collect() {
        this.reset();
        for (const { metadata, status } of caches.classes.store.list())
          for (const entry of status?.calibration ?? []) set(this, entry, { class: metadata.name, predictor: entry.predictor });
      },
    });
  for (const [name, { help, read }] of Object.entries(calibrationReaders))
    perPredictor(name, help, (gauge, entry, labels) => {
      const value = read(entry);
      if (value !== undefined) gauge.set(labels, value);
    });
  perPredictor(
    'predictor_excluded_measurements',
    'Measurements that a predictor has not learned from, by reason.',
    (gauge, { excluded = [] }, labels) => {
      for (const { reason, count } of excluded) gauge.set({ ...labels, reason }, count);
    },
    ['reason'],
  );
}

type Labels = Record<'class' | 'predictor', string>;

type Reader = (deployment: ModelDeployment) => string | undefined;

/** The amount per inference of the headline's class. */
function amountOf(deployment: ModelDeployment) {
  const { classes, energy } = deployment.status ?? {};
  return classes
    ?.find((entry) => entry.deviceClassName === energy?.deviceClassName)
    ?.amounts.find((amount) => amount.name === 'EnergyPerInference');
}

const energyReaders: Record<string, Reader> = {
  predicted_joules_per_inference: (deployment) => amountOf(deployment)?.predicted?.value,
  predicted_joules_per_inference_lower: (deployment) => amountOf(deployment)?.predicted?.lower,
  predicted_joules_per_inference_upper: (deployment) => amountOf(deployment)?.predicted?.upper,
  measured_joules_per_inference: (deployment) => amountOf(deployment)?.measured?.value,
  measured_joules_per_inference_lower: (deployment) => amountOf(deployment)?.measured?.lower,
  measured_joules_per_inference_upper: (deployment) => amountOf(deployment)?.measured?.upper,
  budget_joules_per_inference: (deployment) => amountOf(deployment)?.budget,
};
