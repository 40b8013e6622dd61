// The controller binds a device's name to its key before the certificate is on its way. Whatever gets lost after that, the same
// board is let in again, and no other.
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDeviceKey } from '../../../agent/identity/certificate-request.ts';
import type { DeviceIdentity } from '../../../agent/identity/device-identity.ts';
import { joinFleet, renewIdentity } from '../../../agent/identity/join.ts';
import { forgetPendingKey, pendingKey } from '../../../agent/identity/pending-key.ts';
import { systemClock } from '../../../kube/runtime/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { createWorld, type World } from './world.ts';

const signal = AbortSignal.timeout(120_000);

describe('an answer that is lost', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const join = async (name: string, key?: string) =>
    joinFleet(
      { name, source: { kind: 'JoinToken', token: await world.joinToken() }, ...(key === undefined ? {} : { key }) },
      signal,
    );

  it('of a first join does not lock the board out: it asks again with its key', async () => {
    const key = createDeviceKey();
    const lost = await join('board-1', key);
    const again = await join('board-1', key);
    expect(again).toMatchObject({ key, deviceUid: lost.deviceUid });
    await expect(join('board-1')).rejects.toMatchObject({ reason: 'NameTaken' });
  });

  it('of a renewal does not either: the old certificate and the new key together are enough, each alone is not', async () => {
    const old = await join('board-2');
    const key = createDeviceKey();
    await renewIdentity(old, signal, key);
    const renewed = await renewIdentity(old, signal, key);
    expect(renewed.key).toBe(key);
    await expect(renewIdentity(old, signal)).rejects.toMatchObject({ reason: 'InvalidToken' });
    await expect(renewIdentity(renewed, signal)).resolves.toMatchObject({ name: 'board-2' });
  });

  it('is asked for with the same key after a restart, until the identity is on disk', async () => {
    const directory = path.join(world.directory, 'pending');
    const key = await pendingKey(directory);
    expect(await pendingKey(directory)).toBe(key);
    expect((await stat(path.join(directory, 'pending-key.pem'))).mode & 0o777).toBe(0o600);
    await forgetPendingKey(directory);
    expect(await pendingKey(directory)).not.toBe(key);
  });

  it('a board that was off until its certificate ran out joins again with its token, under its bound name', async () => {
    const identityOf = async () =>
      JSON.parse(await readFile(path.join(world.directory, 'board-3', 'identity.json'), 'utf8')) as DeviceIdentity;
    const first = await world.startAgent({ name: 'board-3' });
    const before = await eventually(identityOf);
    await first.stop();
    const muchLater = { ...systemClock, now: () => systemClock.now() + 40 * 86_400_000 };
    await world.startAgent({ name: 'board-3' }, muchLater);
    await eventually(async () => {
      const now = await identityOf();
      expect(now.certificate).not.toBe(before.certificate);
      expect(now.deviceUid).toBe(before.deviceUid);
    });
  });
});
