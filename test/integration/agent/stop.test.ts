import { expect, it } from 'vitest';
import { type Disk, systemDisk } from '../../../agent/disk/disk.ts';
import { runAgent } from '../../../agent/run.ts';
import { silentLogger } from '../../support/silent-logger.ts';
import { createWorld } from './world.ts';

it('an agent ends when it is stopped in the moment in which it has joined', async () => {
  await using world = await createWorld();
  const stopping = new AbortController();
  const disk: Disk = {
    ...systemDisk,
    async rename(from, to) {
      await systemDisk.rename(from, to);
      if (to.endsWith('identity.json')) stopping.abort();
    },
  };
  const token = await world.joinToken();
  const options = { name: 'board', dataDirectory: `${world.directory}/board`, join: { kind: 'JoinToken', token } } as const;
  await expect(runAgent(options, { logger: silentLogger, disk }, stopping.signal)).resolves.toBeUndefined();
  expect(stopping.signal.aborted).toBe(true);
}, 10_000);
