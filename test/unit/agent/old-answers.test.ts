import { describe, expect, it } from 'vitest';
import { oldBenchmark, oldMetrics, oldPhaseOf, oldStateOf } from '../../../agent/compatibility/old-answers.ts';
import type { Sample } from '../../../agent/telemetry/telemetry.ts';

type Routes = Parameters<typeof oldStateOf>[0];
const route = (slots: { active?: boolean; candidate?: boolean }) => [
  {
    namespace: 'local',
    deployment: 'm',
    candidateSharePercent: 0,
    ...(slots.active === undefined ? {} : { active: { model: { ready: slots.active } } }),
    ...(slots.candidate === undefined ? {} : { candidate: { model: { ready: slots.candidate } } }),
  },
];

describe('the state that old scripts wait for', () => {
  it.each<[string, object[], string[]]>([
    ['idle', [], []],
    ['idle', route({}), ['Stopped']],
    ['downloading', route({}), ['Pending']],
    ['downloading', route({ active: false }), ['Loading']],
    ['ready', route({ candidate: true }), ['Pending']],
    ['running', route({ active: true }), ['Pending']],
    ['running', route({ active: true, candidate: true }), ['Failed']],
    ['error', route({}), ['Failed']],
  ])('is %s', (state, routes, phases) => {
    expect(oldStateOf(routes as Routes, phases)).toBe(state);
  });
});

describe('how far an instance is, to old scripts', () => {
  type Runner = Parameters<typeof oldPhaseOf>[0];
  const instance = (spec: object, more: object = {}) => ({ spec, ...more }) as Runner['instance'];
  const runs = (phase: string) => (name: string) => (name === 'r1' ? { phase } : undefined);
  const active = { revision: 'r1' };
  const localRollback = { revision: 'r1', reason: 'BudgetExceededMeasured' };

  it.each<[string, Runner['instance'], Runner['revision']]>([
    ['Failed', instance({ active }), runs('Failed')],
    ['Downloading', instance({ active }), runs('Downloading')],
    ['Pending', instance({ active }), () => undefined],
    ['Loading', instance({ candidate: active }), runs('Loading')],
    ['Stopped', instance({ previous: active }), runs('Stopped')],
    ['Failed', instance({ active }, { localRollback, localStop: true }), runs('Stopped')],
  ])('is %s', (phase, of, revision) => expect(oldPhaseOf({ instance: of, revision })).toBe(phase));
});

describe('the metrics that old scripts read', () => {
  const sample = {
    cpuSeconds: { user: 10, idle: 90 },
    memory: { totalBytes: 1000, availableBytes: 250 },
    temperatures: [
      { sensor: 'gpu-thermal', celsius: 40 },
      { sensor: 'cpu-thermal', celsius: 51.5 },
    ],
    throttled: [],
  } as Partial<Sample> as Sample;

  it('are null where nothing is known, and never made up', () => {
    expect(oldMetrics({ ...sample, temperatures: [] } as Sample, undefined, 'd', 'idle')).toMatchObject({
      cpu: { percent: null },
      storage: null,
      temperature_c: null,
      temperature_source: null,
    });
  });

  it('count processor time between two samples, and take the processor’s own sensor', () => {
    const later = { ...sample, cpuSeconds: { user: 13, idle: 97 } } as Sample;
    expect(oldMetrics(later, sample, 'd', 'running')).toMatchObject({
      cpu: { percent: 30 },
      memory: { total: 1000, available: 250, used: 750, used_percent: 75 },
      temperature_c: 51.5,
      temperature_source: 'cpu-thermal',
      agent: { device: 'd', state: 'running' },
    });
  });
});

describe('the benchmark that old scripts read', () => {
  it('has average, deviation, percentiles and throughput', () => {
    expect(oldBenchmark('m', [0.001, 0.002, 0.003, 0.01], 0.02, 0)).toMatchObject({
      status: 'ok',
      benchmark_runs: 4,
      latency_avg_s: expect.closeTo(0.004, 9) as number,
      latency_std_s: expect.closeTo(0.00408, 5) as number,
      latency_p50_s: 0.002,
      latency_p95_s: 0.01,
      throughput_iter_per_s: expect.closeTo(200, 6) as number,
    });
  });
});
