// What /metrics says of the device and of the models on it.
import type { Registry } from 'prom-client';
import { productVersion } from '../../crds/product-version.ts';
import type { Clock } from '../../kube/runtime/clock.ts';
import type { NodePower } from '../power/node-power.ts';
import type { DayTotals } from '../record/day-totals.ts';
import type { Routes } from '../serving/routes.ts';
import type { ServedModel } from '../serving/served-model.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { labelsOf, modelLabels } from './model-labels.ts';
import { registerPower } from './power-series.ts';
import { scraped, setIf } from './scraped.ts';

export interface MetricSources {
  clock: Clock;
  days: DayTotals;
  power: NodePower;
  routes: Routes;
  telemetry: Telemetry;
  cacheBytes: () => number | undefined;
  mountpoint: string;
}

export function registerDevice(registry: Registry, sources: MetricSources): void {
  const { power, routes, telemetry } = sources;
  const { gauge, counter } = scraped(registry);

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
  counter('node_network_received_bytes_total', 'Bytes that came in by each network card', ['device'], (metric) => {
    for (const { device, receivedBytes } of telemetry.sample.network) metric.inc({ device }, receivedBytes);
  });
  counter('node_network_sent_bytes_total', 'Bytes that went out by each network card', ['device'], (metric) => {
    for (const { device, sentBytes } of telemetry.sample.network) metric.inc({ device }, sentBytes);
  });
  counter('node_pressure_waiting_seconds_total', 'Time in which something waited for the resource', ['resource'], (metric) => {
    for (const [resource, { waitingSeconds }] of Object.entries(telemetry.sample.pressure))
      metric.inc({ resource }, waitingSeconds);
  });
  counter('node_pressure_stalled_seconds_total', 'Time in which everything waited for the resource', ['resource'], (metric) => {
    for (const [resource, { stalledSeconds }] of Object.entries(telemetry.sample.pressure))
      if (stalledSeconds !== undefined) metric.inc({ resource }, stalledSeconds);
  });
  gauge('node_throttled', '1 while the board is throttled for this reason', ['reason'], (metric) => {
    for (const reason of telemetry.sample.throttled) metric.set({ reason }, 1);
  });
  gauge('battery_charge_ratio', 'Charge of the battery', ['battery'], (metric) => {
    const percent = telemetry.sample.batteryPercent;
    setIf(metric, { battery: 'main' }, percent === undefined ? undefined : percent / 100);
  });

  registerPower(registry, power);
  gauge('energy_today_joules', 'Energy since midnight (UTC), over restarts', ['of'], (metric) => {
    for (const { of, joules } of sources.days.on(sources.clock.now())) metric.set({ of }, joules);
  });

  gauge('inference_queue_length', 'Requests waiting or running', [...modelLabels], (metric) => {
    for (const model of modelsOf(routes)) metric.set(labelsOf(model), model.model.queueLength);
  });
  gauge('model_loaded', '1 for each model that is loaded and ready', [...modelLabels], (metric) => {
    for (const model of modelsOf(routes)) metric.set(labelsOf(model), model.model.ready ? 1 : 0);
  });
  gauge('model_memory_bytes', 'Resident memory of the process of each model', [...modelLabels], async (metric) => {
    for (const model of modelsOf(routes)) setIf(metric, labelsOf(model), await model.model.residentBytes());
  });
  gauge('artifact_cache_bytes', 'Artifacts on disk', [], (metric) => setIf(metric, {}, sources.cacheBytes()));
}

function* modelsOf(routes: Routes): Generator<ServedModel> {
  for (const route of routes.list()) {
    if (route.active) yield route.active;
    if (route.candidate && route.candidate.slot.modelVersion !== route.active?.slot.modelVersion) yield route.candidate;
  }
}
