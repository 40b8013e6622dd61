// Everything /metrics says. A series that cannot be known is absent: gauges are filled when scraped, from what is at hand.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { productVersion } from '../crds/product-version.ts';
import type { Clock } from '../kube/runtime/clock.ts';
import type { NodePower } from './power/node-power.ts';
import type { DayTotals } from './record/day-totals.ts';
import type { RequestCounter } from './serving/inference-service.ts';
import type { Routes } from './serving/routes.ts';
import type { ServedModel } from './serving/served-model.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

export interface MetricSources {
  clock: Clock;
  days: DayTotals;
  power: NodePower;
  routes: Routes;
  telemetry: Telemetry;
  cacheBytes: () => number | undefined;
  mountpoint: string;
}

export interface AgentMetrics extends RequestCounter {
  countFetched(bytes: number): void;
  countVerifyFailure(): void;
  countBudgetExceeded(labels: { namespace: string; deployment: string; version: string }): void;
  addInferenceEnergy(model: ServedModel, attribution: string, joules: number): void;
  observeLoad(model: ServedModel, seconds: number): void;
  text(): Promise<{ contentType: string; text: string }>;
}

const modelLabels = ['namespace', 'deployment', 'version'] as const;
const latencyBuckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

function labelsOf(model: ServedModel | undefined): Record<(typeof modelLabels)[number], string> {
  return {
    namespace: model?.address.namespace ?? '',
    deployment: model?.address.deployment ?? '',
    version: model?.slot.modelVersion ?? '',
  };
}

export function createAgentMetrics(sources: MetricSources): AgentMetrics {
  const registry = new Registry();
  const registers = [registry];
  const prefix = 'jouleops_';
  registerDevice(registry, prefix, sources);

  const requests = new Counter({
    name: `${prefix}inference_requests_total`,
    help: 'Inference requests by outcome',
    labelNames: [...modelLabels, 'protocol', 'code'],
    registers,
  });
  const duration = new Histogram({
    name: `${prefix}inference_duration_seconds`,
    help: 'From a request in the agent to its answer',
    labelNames: [...modelLabels, 'protocol'],
    buckets: latencyBuckets,
    registers,
  });
  const phases = new Counter({
    name: `${prefix}inference_phase_seconds_total`,
    help: 'Where the time of answered requests went',
    labelNames: [...modelLabels, 'phase'],
    registers,
  });
  const energy = new Counter({
    name: `${prefix}inference_energy_joules_total`,
    help: 'Energy of inferences in measured windows',
    labelNames: [...modelLabels, 'attribution'],
    registers,
  });
  const loads = new Histogram({
    name: `${prefix}model_load_duration_seconds`,
    help: 'From bytes on disk to ready, golden set included',
    labelNames: [...modelLabels],
    buckets: [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60],
    registers,
  });
  const exceeded = new Counter({
    name: `${prefix}energy_budget_exceeded_total`,
    help: 'Times that a measured energy went above its budget',
    labelNames: [...modelLabels],
    registers,
  });
  const fetched = new Counter({
    name: `${prefix}artifact_fetch_bytes_total`,
    help: 'Artifact bytes received',
    labelNames: ['source'],
    registers,
  });
  const verifyFailures = new Counter({
    name: `${prefix}artifact_verify_failures_total`,
    help: 'Artifacts whose bytes were not those of their digest',
    registers,
  });

  return {
    countRequest({ model, protocol, code, seconds, result }) {
      requests.inc({ ...labelsOf(model), protocol, code });
      if (code === 'ok') duration.observe({ ...labelsOf(model), protocol }, seconds);
      if (!result) return;
      phases.inc({ ...labelsOf(model), phase: 'queue' }, result.queueMicroseconds / 1e6);
      phases.inc({ ...labelsOf(model), phase: 'transfer' }, result.transferMicroseconds / 1e6);
      phases.inc({ ...labelsOf(model), phase: 'model' }, result.modelMicroseconds / 1e6);
    },
    countFetched: (bytes) => fetched.inc({ source: 'controller' }, bytes),
    countVerifyFailure: () => verifyFailures.inc(),
    countBudgetExceeded: (labels) => exceeded.inc(labels),
    addInferenceEnergy: (model, attribution, joules) => energy.inc({ ...labelsOf(model), attribution }, joules),
    observeLoad: (model, seconds) => loads.observe(labelsOf(model), seconds),
    text: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

function registerDevice(registry: Registry, prefix: string, sources: MetricSources): void {
  const registers = [registry];
  const { power, routes, telemetry } = sources;
  const gauge = (name: string, help: string, labelNames: string[], set: (gauge: Gauge) => void) =>
    new Gauge({
      name: `${prefix}${name}`,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        set(this);
      },
    });
  const counter = (name: string, help: string, labelNames: string[], set: (counter: Counter) => void) =>
    new Counter({
      name: `${prefix}${name}`,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        set(this);
      },
    });

  gauge('build_info', 'Version of this agent', ['version', 'revision', 'runtime'], (metric) =>
    metric.set(
      {
        version: productVersion,
        revision: process.env['JOULEOPS_REVISION'] ?? 'unknown',
        runtime: `node ${process.versions.node}`,
      },
      1,
    ),
  );
  counter('node_cpu_seconds_total', 'CPU time by mode', ['mode'], (metric) => {
    for (const [mode, seconds] of Object.entries(telemetry.sample.cpuSeconds)) metric.inc({ mode }, seconds);
  });
  const { mountpoint } = sources;
  gauge('node_memory_total_bytes', 'Memory of the machine', [], (metric) =>
    setIf(metric, {}, telemetry.sample.memory?.totalBytes),
  );
  gauge('node_memory_available_bytes', 'Memory that new work could take', [], (metric) =>
    setIf(metric, {}, telemetry.sample.memory?.availableBytes),
  );
  gauge('node_filesystem_size_bytes', 'Size of the artifact disk', ['mountpoint'], (metric) =>
    setIf(metric, { mountpoint }, telemetry.sample.storage?.totalBytes),
  );
  gauge('node_filesystem_avail_bytes', 'Free room on the artifact disk', ['mountpoint'], (metric) =>
    setIf(metric, { mountpoint }, telemetry.sample.storage?.availableBytes),
  );
  gauge('node_temperature_celsius', 'Temperatures of the sensors that answer', ['sensor'], (metric) => {
    for (const { sensor, celsius } of telemetry.sample.temperatures) metric.set({ sensor }, celsius);
  });
  gauge('node_throttled', '1 while the board is throttled for this reason', ['reason'], (metric) => {
    for (const reason of telemetry.sample.throttled) metric.set({ reason }, 1);
  });
  gauge('battery_charge_ratio', 'Charge of the battery', ['battery'], (metric) => {
    const percent = telemetry.sample.batteryPercent;
    setIf(metric, { battery: 'main' }, percent === undefined ? undefined : percent / 100);
  });

  registerPower(gauge, counter, power);
  gauge('energy_today_joules', 'Energy since midnight (UTC), over restarts', ['of'], (metric) => {
    for (const { of, joules } of sources.days.on(sources.clock.now())) metric.set({ of }, joules);
  });

  gauge('inference_queue_length', 'Requests waiting or running', [...modelLabels], (metric) => {
    for (const model of modelsOf(routes)) metric.set(labelsOf(model), model.model.queueLength);
  });
  gauge('model_loaded', '1 for each model that is loaded and ready', [...modelLabels], (metric) => {
    for (const model of modelsOf(routes)) metric.set(labelsOf(model), model.model.ready ? 1 : 0);
  });
  new Gauge({
    name: `${prefix}model_memory_bytes`,
    help: 'Resident memory of the process of each model',
    labelNames: [...modelLabels],
    registers,
    async collect() {
      this.reset();
      for (const model of modelsOf(routes)) setIf(this, labelsOf(model), await model.model.residentBytes());
    },
  });
  gauge('artifact_cache_bytes', 'Artifacts on disk', [], (metric) => setIf(metric, {}, sources.cacheBytes()));
}

type Register<M> = (name: string, help: string, labelNames: string[], set: (metric: M) => void) => unknown;

/** Only the node's total is node_energy_joules_total, so that a sum over nodes is right. */
function registerPower(gauge: Register<Gauge>, counter: Register<Counter>, power: NodePower): void {
  counter('node_energy_joules_total', 'Energy of the node at its widest measured boundary', ['source'], (metric) => {
    const { total } = power;
    if (total && total.total.integratedSeconds > 0) metric.inc({ source: total.source.name }, total.total.joules);
  });
  counter('rail_energy_joules_total', 'Energy of parts of the node; never added to the total', ['rail', 'source'], (metric) => {
    for (const meter of power.meters) {
      for (const rail of meter.rails) metric.inc({ rail: rail.name, source: meter.source.name }, rail.joules);
      if (meter !== power.total && meter.total.integratedSeconds > 0)
        metric.inc({ rail: meter.source.boundary, source: meter.source.name }, meter.total.joules);
    }
  });
  gauge('node_power_watts', 'Power of the node now', ['source'], (metric) => {
    const { total } = power;
    if (total) setIf(metric, { source: total.source.name }, total.watts);
  });
  gauge('power_source_info', 'What each power source is', ['source', 'boundary', 'kind'], (metric) => {
    for (const { source } of power.meters) metric.set({ source: source.name, boundary: source.boundary, kind: source.kind }, 1);
  });
  gauge('power_source_up', '1 while the source answers', ['source'], (metric) => {
    for (const meter of power.meters) if (!meter.source.onDemand) metric.set({ source: meter.source.name }, meter.up ? 1 : 0);
  });
  gauge('power_sources', 'Number of power sources of each kind; 0 when there is none', ['kind'], (metric) => {
    if (power.meters.length === 0) metric.set({ kind: 'any' }, 0);
    for (const { source } of power.meters) metric.inc({ kind: source.kind }, 1);
  });
  counter('energy_integrated_seconds_total', 'Time that the energy of a source covers', ['source'], (metric) => {
    for (const { source, total } of power.meters) metric.inc({ source: source.name }, total.integratedSeconds);
  });
  counter('energy_gap_seconds_total', 'Time that no reading covers; it is not filled', ['source'], (metric) => {
    for (const { source, total } of power.meters) metric.inc({ source: source.name }, total.gapSeconds);
  });
}

function setIf(metric: Gauge, labels: Record<string, string>, value: number | undefined): void {
  if (value !== undefined && Number.isFinite(value)) metric.set(labels, value);
}

function* modelsOf(routes: Routes): Generator<ServedModel> {
  for (const route of routes.list()) {
    if (route.active) yield route.active;
    if (route.candidate && route.candidate.slot.modelVersion !== route.active?.slot.modelVersion) yield route.candidate;
  }
}
