import { expect, test } from 'vitest';
import type { DeviceClassStatus } from '../../../crds/device-class.ts';
import { deviceClasses } from '../../../crds/resources.ts';
import { watchConditions } from '../../support/condition-watch.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestServer } from '../../support/standalone.ts';

const signal = AbortSignal.timeout(30_000);

test('a status that broke the rules is named, though it was mended later', async () => {
  const running = await startTestServer();
  const { client } = running;
  const conditions = watchConditions(client);
  const metadata = { name: 'board' };
  await client.create(
    deviceClasses,
    { apiVersion: 'jouleops.dev/v1alpha1', kind: 'DeviceClass', metadata, spec: {} },
    { signal },
  );
  const write = (status: DeviceClassStatus) =>
    client.applyStatus(deviceClasses, { metadata, status }, { signal, fieldManager: 'test' });
  const ready = { type: 'Ready', status: 'True', reason: 'Succeeded', message: 'm', lastTransitionTime: '2026-01-01T00:00:00Z' };
  await write({ observedGeneration: 1, conditions: [{ ...ready, status: 'True' }] });
  await eventually(() => expect(conditions.findings).toHaveLength(1));
  await write({ observedGeneration: 1, conditions: [{ ...ready, status: 'True', observedGeneration: 1 }] });
  await expect(conditions.close()).rejects.toThrow('DeviceClass board: Ready is True and does not say for which generation');
  await running.close();
});
