// Everything /metrics says, and what is counted for it as it happens.
import { Counter, Histogram, Registry } from 'prom-client';
import type { RequestCounter } from '../serving/inference-service.ts';
import type { ServedModel } from '../serving/served-model.ts';
import { type MetricSources, registerDevice } from './device-series.ts';
import { labelsOf, type ModelLabels, modelKey, modelLabels } from './model-labels.ts';
import { prefix } from './scraped.ts';

export interface AgentMetrics extends RequestCounter {
  countFetched(bytes: number): void;
  countVerifyFailure(): void;
  countBudgetExceeded(labels: { namespace: string; deployment: string; version: string }): void;
  addInferenceEnergy(model: ServedModel, attribution: string, joules: number): void;
  observeLoad(model: ServedModel, seconds: number): void;
  /** Ends the series of models that are not these (modelKey): an agent lives for years, and each version has series of its own. */
  keepOnly(models: ReadonlySet<string>): Promise<void>;
  text(): Promise<{ contentType: string; text: string }>;
}

const latencyBuckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

export function createAgentMetrics(sources: MetricSources): AgentMetrics {
  const registry = new Registry();
  const registers = [registry];
  registerDevice(registry, sources);

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
    keepOnly: async (models) => {
      for (const metric of [requests, duration, phases, energy, loads, exceeded]) await endOthers(metric, models);
    },
    text: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

const nobody = modelKey(labelsOf(undefined));

async function endOthers(metric: Counter | Histogram, models: ReadonlySet<string>): Promise<void> {
  for (const { labels } of (await metric.get()).values) {
    const { le: _, ...own } = labels as Record<string, string>;
    const key = modelKey(own as ModelLabels);
    if (key !== nobody && !models.has(key)) metric.remove(own);
  }
}
