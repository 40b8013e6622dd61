// What /metrics says of the node's power and energy.
import type { Registry } from 'prom-client';
import type { NodePower } from '../power/node-power.ts';
import { scraped, setIf } from './scraped.ts';

/** Only the node's total is node_energy_joules_total, so that a sum over nodes is right. */
export function registerPower(registry: Registry, power: NodePower): void {
  const { gauge, counter } = scraped(registry);
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
