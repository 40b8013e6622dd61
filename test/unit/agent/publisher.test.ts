import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { Publisher } from '../../../agent/status/publisher.ts';
import { StatusWriter } from '../../../agent/status/status-writer.ts';
import type { EdgeDevice } from '../../../crds/edge-device.ts';
import type { Client } from '../../../kube/api/client.ts';
import type { Condition, Stored } from '../../../kube/api/objects.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const condition: Condition = {
  type: 'PowerMeasured',
  status: 'True',
  reason: 'Succeeded',
  message: 'measured by board',
  lastTransitionTime: '2026-01-01T00:00:00Z',
};
const device: Stored<EdgeDevice> = {
  apiVersion: 'jouleops.dev/v1alpha1',
  kind: 'EdgeDevice',
  metadata: { name: 'a', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: {},
  status: { agentVersion: '0.1.0', conditions: [condition] },
};

/** A publisher of one device whose agent says `agentVersion`, with what it wrote and kept, in order. */
function world(agentVersion: string) {
  const clock = new FakeClock();
  const did: string[] = [];
  let resuming = true;
  let isBroken = false;
  const applyStatus: Client['applyStatus'] = async () => {
    did.push('write');
    return device as never; // nobody reads what comes back
  };
  const writer = new StatusWriter({
    client: { applyStatus, get: () => Promise.reject(new Error('a device is not read by name')) },
    clock,
    logger: pino({ level: 'silent' }),
    keep: async () => void did.push('keep'),
  });
  const publisher = new Publisher({
    clock,
    logger: pino({ level: 'silent' }),
    client: { get: () => Promise.reject(new Error('no instance is read here')) },
    writer,
    runners: () => [],
    resuming: () => resuming,
    describeInstance: () => ({}),
    describeDevice: async (_generation, before) => {
      if (isBroken) throw new Error('EIO: i/o error, scandir');
      return { agentVersion, conditions: [...before] };
    },
    device: () => device,
  });
  const stop = new AbortController();
  const run = publisher.run(stop.signal);
  return {
    clock,
    did,
    breaks: (broken: boolean) => {
      isBroken = broken;
    },
    resumed: () => {
      resuming = false;
      publisher.wake();
    },
    end: async () => {
      stop.abort();
      await run;
    },
  };
}

describe('the first word of an agent after a start', () => {
  it('waits until what was there has come up, and what it stands on is on disk before it', async () => {
    const { clock, did, resumed, end } = world('0.2.0');
    await clock.advance(10_000);
    expect(did).toEqual([]);
    resumed();
    await clock.advance(1000);
    expect(did).toEqual(['keep', 'write']);
    await end();
  });

  it('comes after twenty seconds all the same', async () => {
    const { clock, did, end } = world('0.2.0');
    await clock.advance(19_000);
    expect(did).toEqual([]);
    await clock.advance(2000);
    expect(did).toEqual(['keep', 'write']);
    await end();
  });

  it('is not said when the object has it already', async () => {
    const { clock, did, resumed, end } = world('0.1.0');
    resumed();
    await clock.advance(600_000);
    expect(did).toEqual([]);
    await end();
  });

  it('is said once it can be put together, and does not end the agent before', async () => {
    const { clock, did, breaks, resumed, end } = world('0.2.0');
    breaks(true);
    resumed();
    await clock.advance(60_000);
    expect(did).toEqual([]);
    breaks(false);
    await clock.advance(60_000);
    expect(did).toEqual(['keep', 'write']);
    await end();
  });

  it('ends while it waits', async () => {
    const { clock, did, end } = world('0.2.0');
    await clock.advance(1000);
    await end();
    expect(did).toEqual([]);
  });
});
