// /metrics, /livez, /readyz and /debug/sensors.
import { detectableJoules } from '../measurement/resolution.ts';
import type { AgentMetrics } from '../metrics/agent-metrics.ts';
import type { NodePower } from '../power/node-power.ts';
import type { Routes } from '../serving/routes.ts';
import { type Handler, sendJson, sendText } from './http-server.ts';

interface Deps {
  metrics: AgentMetrics;
  power: NodePower;
  routes: Routes;
}

export function createSystemHandler({ metrics, power, routes }: Deps): Handler {
  return async ({ method, path, response }) => {
    if (method !== 'GET' && method !== 'HEAD') return false;
    switch (path) {
      case '/metrics': {
        const { text, contentType } = await metrics.text();
        sendText(response, 200, text, contentType);
        return true;
      }
      case '/livez':
        sendText(response, 200, 'ok\n');
        return true;
      case '/readyz': {
        const waiting = routes.list().filter((route) => !route.active?.model.ready && !route.candidate?.model.ready);
        const text = waiting.map((route) => `${routes.nameOf(route)}: ${route.reason ?? 'not loaded'}\n`).join('');
        sendText(response, waiting.length === 0 ? 200 : 503, waiting.length === 0 ? 'ok\n' : text);
        return true;
      }
      case '/debug/sensors':
        sendJson(response, 200, describeSensors(power));
        return true;
      default:
        return false;
    }
  };
}

/** What was looked for, what was found, and why it is used or not. */
export function describeSensors(power: NodePower) {
  return {
    total: power.total?.source.name ?? null,
    totalReason: power.total
      ? `the widest boundary among the sources: ${power.total.source.boundary}`
      : 'no source can be the total of this node, so no energy of the node is exported',
    probes: power.probes.map((probe) => ({
      looked: probe.looked,
      found: probe.found.map((source) => source.name),
      ...(probe.why === undefined ? {} : { why: probe.why }),
    })),
    sources: power.meters.map(({ source, up, watts, total }) => ({
      name: source.name,
      kind: source.kind,
      boundary: source.boundary,
      resolution: source.resolution,
      minimumDetectableJoulesPerTenSeconds: detectableJoules(source, { seconds: 10, inferences: 1 }),
      intervalMilliseconds: source.intervalMilliseconds,
      onDemand: source.onDemand,
      notes: source.notes,
      up,
      watts: watts ?? null,
      ...total,
    })),
  };
}
