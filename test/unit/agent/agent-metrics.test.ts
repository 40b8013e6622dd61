import os from 'node:os';
import { describe, expect, it } from 'vitest';
import { createAgentMetrics } from '../../../agent/metrics/agent-metrics.ts';
import { NodePower } from '../../../agent/power/node-power.ts';
import { DayTotals } from '../../../agent/record/day-totals.ts';
import { Routes } from '../../../agent/serving/routes.ts';
import type { ServedModel } from '../../../agent/serving/served-model.ts';
import { Telemetry } from '../../../agent/telemetry/telemetry.ts';
import { ThrottleReader } from '../../../agent/telemetry/throttling.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../support/silent-logger.ts';

const model = (modelVersion: string) =>
  ({ address: { namespace: 'factory', deployment: 'states' }, slot: { modelVersion } }) as Partial<ServedModel> as ServedModel;

describe('series of models', () => {
  it('end with their version, so that years of versions take no more memory than those that are here', async () => {
    const clock = new FakeClock();
    const missing = () => Promise.reject(new Error('no such command'));
    const throttling = new ThrottleReader({ pathSysfs: '/nonexistent', isRaspberryPi: false }, { run: missing });
    const options = { pathSysfs: '/nonexistent', pathProcfs: '/nonexistent', artifactDirectory: os.tmpdir(), intervalSeconds: 5 };
    const metrics = createAgentMetrics({
      clock,
      days: new DayTotals([]),
      power: new NodePower([], { clock, logger: silentLogger }),
      routes: new Routes(),
      telemetry: new Telemetry(options, { clock, throttling }),
      cacheBytes: () => undefined,
      mountpoint: '/',
    });
    const result = { outputs: [], queueMicroseconds: 1, transferMicroseconds: 1, modelMicroseconds: 1 };
    for (const version of ['1', '2', '3']) {
      metrics.countRequest({ model: model(version), protocol: 'http', code: 'ok', seconds: 0.01, result });
      metrics.observeLoad(model(version), 1);
      metrics.addInferenceEnergy(model(version), 'Exclusive', 1);
      metrics.countBudgetExceeded({ namespace: 'factory', deployment: 'states', version });
    }
    metrics.countRequest({ model: undefined, protocol: 'http', code: 'notFound', seconds: 0 });
    await metrics.keepOnly(new Set(['factory/states@3']));
    const { text } = await metrics.text();
    expect(text).not.toMatch(/version="[12]"/);
    for (const series of ['requests_total', 'duration_seconds_bucket', 'phase_seconds_total', 'energy_joules_total'])
      expect(text).toMatch(new RegExp(`inference_${series}\\{[^}]*version="3"`));
    expect(text).toContain('code="notFound"');
  });
});
