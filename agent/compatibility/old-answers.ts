// Answers in the shapes that scripts written for the replaced agent read. Pure. What is not known is null, never a made-up number.
import { productVersion } from '../../crds/product-version.ts';
import type { NodePower } from '../power/node-power.ts';
import type { InstanceRunner } from '../serving/instance-runner.ts';
import type { Route } from '../serving/routes.ts';
import { goalOf } from '../status/describe-instance.ts';
import type { Sample } from '../telemetry/telemetry.ts';

export type OldState = 'idle' | 'downloading' | 'ready' | 'running' | 'error';

/** The old agent had one model; with several, the one that is furthest speaks for the device. */
export function oldStateOf(routes: readonly Route[], phases: readonly string[]): OldState {
  if (routes.some((route) => route.active?.model.ready)) return 'running';
  if (phases.includes('Failed')) return 'error';
  if (routes.some((route) => route.candidate?.model.ready)) return 'ready';
  return phases.some((phase) => phase !== 'Stopped') ? 'downloading' : 'idle';
}

/** How far one instance is. A model that was stopped here for its budget is an error, as it was to the old agent. */
export function oldPhaseOf(
  runner: Pick<InstanceRunner, 'instance'> & { revision(name: string): { phase: string } | undefined },
): string {
  const { instance } = runner;
  const slot = goalOf(instance) ?? instance.spec.candidate;
  if (slot) return runner.revision(slot.revision)?.phase ?? 'Pending';
  return instance.spec.active ? 'Failed' : 'Stopped';
}

export function oldStatus(world: {
  device: string;
  state: OldState;
  routes: readonly Route[];
  power: NodePower;
  joulesToday: number | undefined;
  controlPlane: string | undefined;
}) {
  const { power, routes } = world;
  const meter = power.total;
  const active = (routes.find((route) => route.active?.model.ready) ?? routes.find((route) => route.active))?.active;
  return {
    device: world.device,
    state: world.state,
    current_model: active ? active.slot.modelVersionName : null,
    models: routes.map((route) => ({
      name: route.deployment,
      version: route.active?.slot.modelVersion ?? null,
      reason: route.reason ?? null,
    })),
    energy_metrics: {
      source: meter?.source.name ?? null,
      boundary: meter?.source.boundary ?? null,
      power_mw: meter?.watts === undefined ? null : meter.watts * 1000,
      energy_mwh_today: world.joulesToday === undefined ? null : world.joulesToday / 3.6,
      reason: meter ? null : 'this device has no power source, so no energy is shown',
    },
    runtime_capabilities: { formats: ['onnx'], runtime: 'onnxruntime', protocol: 'Open Inference Protocol v2 at /v2' },
    control_plane: world.controlPlane ?? null,
    agent_version: productVersion,
  };
}

/** @param before an earlier sample: processors are busy over a time, not at an instant. */
export function oldMetrics(sample: Sample, before: Sample | undefined, device: string, state: OldState) {
  const { memory, storage, temperatures } = sample;
  const processor = temperatures.find(({ sensor }) => /cpu|soc|package|core/i.test(sensor)) ?? temperatures[0];
  const share = (room: { totalBytes: number; availableBytes: number } | undefined) =>
    room === undefined
      ? null
      : {
          total: room.totalBytes,
          available: room.availableBytes,
          used: room.totalBytes - room.availableBytes,
          used_percent: Number(((100 * (room.totalBytes - room.availableBytes)) / room.totalBytes).toFixed(1)),
        };
  return {
    cpu: { percent: before ? busyPercent(before.cpuSeconds, sample.cpuSeconds) : null },
    memory: share(memory),
    storage: share(storage),
    temperature_c: processor?.celsius ?? null,
    temperature_source: processor?.sensor ?? null,
    throttled: sample.throttled,
    agent: { device, state, version: productVersion },
  };
}

function busyPercent(before: Readonly<Record<string, number>>, now: Readonly<Record<string, number>>): number | null {
  const passed = Object.entries(now).map(([mode, seconds]) => ({ mode, seconds: seconds - (before[mode] ?? 0) }));
  const all = passed.reduce((sum, { seconds }) => sum + seconds, 0);
  const idle = passed.reduce((sum, { mode, seconds }) => sum + (mode === 'idle' || mode === 'iowait' ? seconds : 0), 0);
  return all > 0 ? Number((100 * (1 - idle / all)).toFixed(1)) : null;
}

/** @param seconds of each run, at least one. */
export function oldBenchmark(model: string, seconds: readonly number[], totalSeconds: number, errors: number) {
  const sorted = seconds.toSorted((a, b) => a - b);
  const mean = seconds.reduce((sum, value) => sum + value, 0) / seconds.length;
  const variance = seconds.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, seconds.length - 1);
  const at = (fraction: number) => sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] ?? null;
  return {
    status: 'ok',
    model,
    benchmark_runs: seconds.length,
    errors,
    latency_avg_s: mean,
    latency_std_s: Math.sqrt(variance),
    latency_p50_s: at(0.5),
    latency_p95_s: at(0.95),
    throughput_iter_per_s: seconds.length / totalSeconds,
    input: 'zeros: latency does not depend on them, answers do',
  };
}
