import { expect, test } from 'vitest';
import { Publisher } from '../../../agent/status/publisher.ts';
import { StatusWriter } from '../../../agent/status/status-writer.ts';
import type { EdgeDevice } from '../../../crds/edge-device.ts';
import { ConnectionError } from '../../../kube/api/api-error.ts';
import type { Client } from '../../../kube/api/client.ts';
import type { Stored } from '../../../kube/api/objects.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../support/silent-logger.ts';

const device: Stored<EdgeDevice> = {
  apiVersion: 'jouleops.dev/v1alpha1',
  kind: 'EdgeDevice',
  metadata: { name: 'pi', uid: 'u1', resourceVersion: '1', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: {},
};

test('what could not be said is said again after a second, not at the next half minute', async () => {
  const clock = new FakeClock();
  const attempts: number[] = [];
  let reachable = false;
  const applyStatus: Client['applyStatus'] = async () => {
    attempts.push(clock.monotonic());
    if (!reachable) throw new ConnectionError('ECONNREFUSED', 'no answer', new Error('refused'));
    return { ...device } as never;
  };
  const get: Client['get'] = () => Promise.reject(new Error('no instance is read here'));
  const writer = new StatusWriter({ client: { applyStatus }, clock, logger: silentLogger, keep: async () => undefined });
  const publisher = new Publisher({
    clock,
    client: { get },
    writer,
    runners: () => [],
    resuming: () => false,
    describeInstance: () => ({}),
    describeDevice: async () => ({ agentVersion: '0.1.0', conditions: [] }),
    device: () => device,
  });
  const stop = new AbortController();
  const running = publisher.run(stop.signal);
  await clock.advance(12_000);
  expect(attempts.length).toBeGreaterThanOrEqual(4); // 1, 2, 4 s apart, with jitter
  reachable = true;
  const before = attempts.length;
  await clock.advance(17_000);
  expect(attempts.length).toBe(before + 1); // heard: nothing more to say
  await clock.advance(120_000);
  expect(attempts.length).toBe(before + 1);
  stop.abort();
  await running;
});
