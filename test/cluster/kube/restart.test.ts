import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConfigMap, configMaps } from '../../../kube/api/builtins.ts';
import { Reflector } from '../../../kube/cache/reflector.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';
import { findBinaries } from '../../support/control-plane/binaries.ts';
import { sharedControlPlane } from '../../support/control-plane/shared.ts';
import { type ControlPlane, startControlPlane } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { RecordedMetrics } from '../../support/recorded-metrics.ts';
import { silentLogger } from '../../support/silent-logger.ts';

const signal = AbortSignal.timeout(110_000);

// A control plane of its own: the shared one must not be killed under the other files.
describe.skipIf(sharedControlPlane() === undefined)('a killed API server', () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    const binaries = await findBinaries();
    if (binaries.kind === 'absent') throw new Error(binaries.reason);
    plane = await startControlPlane({ binaries });
  });
  afterAll(() => plane.stop());

  test('costs a cache nothing but the time: it watches on from its version, and misses no change', async () => {
    const stop = new AbortController();
    const metrics = new RecordedMetrics();
    const { client } = plane;
    const reflector = new Reflector<ConfigMap>({ client, clock: systemClock, logger: silentLogger, metrics }, configMaps, {
      namespace: 'default',
      labelSelector: 'kept=yes',
    });
    const changes: string[] = [];
    reflector.onChange(({ kind, object }) => changes.push(`${kind} ${object.metadata.name} ${object.data?.['v'] ?? ''}`));
    const put = (name: string, v: string) =>
      client.apply(
        configMaps,
        { metadata: { namespace: 'default', name, labels: { kept: 'yes' } }, data: { v } },
        { signal, fieldManager: 'test' },
      );
    const running = reflector.run(stop.signal);
    await reflector.synced;
    await put('stays', '1');
    await put('goes', '1');
    await eventually(() => expect(changes).toHaveLength(2));

    const restarted = plane.restartApiServer();
    await eventually(() =>
      expect(metrics.value('watch_reconnects_total', { resource: 'configmaps', cause: 'unreachable' })).toBeGreaterThan(0),
    );
    await restarted;
    await put('stays', '2');
    await client.delete(configMaps, { namespace: 'default', name: 'goes' }, { signal });
    await eventually(() => expect(changes).toHaveLength(4), 45);
    expect(changes.slice(2)).toEqual(['updated stays 2', 'deleted goes 1']);
    stop.abort();
    await running;
  });
});
