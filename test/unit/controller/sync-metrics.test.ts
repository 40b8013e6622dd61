import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createSyncMetrics } from '../../../controller/fleet/sync-metrics.ts';

const pass = { applied: true, seconds: 0.5, now: 1_000_000 };

describe('metrics of fleet repositories', () => {
  it('are a series each, and go with their repository', async () => {
    const registry = new Registry();
    const metrics = createSyncMetrics(registry);
    metrics.record('factory/fleet', pass);
    metrics.record('factory/fleet', { ...pass, applied: false });
    expect(await registry.metrics()).toContain('jouleops_git_sync_errors_total{namespace="factory",repository="fleet"} 1');
    expect(await registry.metrics()).toContain(
      'jouleops_git_sync_timestamp_seconds{namespace="factory",repository="fleet"} 1000',
    );
    metrics.forget('factory/fleet');
    expect(await registry.metrics()).not.toContain('repository="fleet"');
  });

  it('are bounded: beyond two hundred the rest share one series, until others go', async () => {
    const registry = new Registry();
    const metrics = createSyncMetrics(registry);
    for (let index = 0; index < 500; index++) metrics.record(`factory/fleet-${index}`, { ...pass, applied: false });
    const text = await registry.metrics();
    expect(text.match(/^jouleops_git_sync_errors_total\{/gm)).toHaveLength(201);
    expect(text).toContain('jouleops_git_sync_errors_total{namespace="",repository="others"} 300');
    metrics.forget('factory/fleet-0');
    metrics.record('factory/fleet-499', pass);
    expect(await registry.metrics()).toContain('repository="fleet-499"');
  });
});
