import { beforeAll, beforeEach, expect, test } from 'vitest';
import type { DeviceIdentity } from '../../../agent/identity/device-identity.ts';
import { IdentityKeeper } from '../../../agent/identity/identity-keeper.ts';
import { createTestAuthority } from '../../support/control-plane/certificates.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../support/silent-logger.ts';

let certificate = '';
beforeAll(async () => {
  certificate = (await (await createTestAuthority('devices')).issueClient('jouleops:device:a', [])).certificatePem;
});

let clock: FakeClock;
let stop: AbortController;
let asked: string[];
let kept: string[];
let refuse: boolean;
let signingMilliseconds: number;
/** What the controller says of the API server. */
let authority: string;

beforeEach(() => {
  clock = new FakeClock();
  stop = new AbortController();
  asked = [];
  kept = [];
  refuse = false;
  signingMilliseconds = 1000;
  authority = 'first';
});

function identity(key: string): DeviceIdentity {
  const door = { url: 'https://127.0.0.1:1', certificateAuthority: 'door' };
  const apiServer = { url: 'https://127.0.0.1:2', certificateAuthority: authority };
  return { name: 'a', key, certificate, deviceUid: 'u', join: door, artifacts: door, apiServer };
}

function keeper(): IdentityKeeper {
  const renew = async (current: DeviceIdentity) => {
    asked.push(current.key);
    await clock.sleep(signingMilliseconds, stop.signal);
    if (refuse) throw new Error('the controller is away');
    return identity(`key-${asked.length}`);
  };
  const keep = async (renewed: DeviceIdentity) => void kept.push(renewed.key);
  return new IdentityKeeper({ clock, logger: silentLogger, renew, keep }, identity('key-0'), stop.signal);
}

/** What a client that was refused has next. */
async function refreshed({ refresh }: ReturnType<IdentityKeeper['connection']>) {
  const answer = refresh?.();
  await clock.advance(1000);
  const next = await answer;
  if (next === undefined) throw new Error('a connection must know how to be refreshed');
  return next;
}

test('after a refusal the controller is asked for new credentials, and for the authority of the API server', async () => {
  const connection = keeper().connection();
  authority = 'rotated';
  const next = await refreshed(connection);
  expect(next).toMatchObject({ certificateAuthority: 'rotated', clientKey: 'key-1' });
  expect(kept).toEqual(['key-1']);
});

test('what was refreshed can be refreshed again, for as long as the device lives', async () => {
  let connection = keeper().connection();
  for (let round = 1; round <= 5; round += 1) {
    connection = await refreshed(connection);
    expect(connection.clientKey).toBe(`key-${round}`);
    await clock.advance(3_600_000);
  }
});

test('many calls that are refused together ask once', async () => {
  const connection = keeper().connection();
  const answers = [connection.refresh?.(), connection.refresh?.(), connection.refresh?.()];
  await clock.advance(1000);
  for (const answer of answers) expect(await answer).toMatchObject({ clientKey: 'key-1' });
  expect(asked).toEqual(['key-0']);
});

test('a client that still has old credentials gets the new ones without a question', async () => {
  const connection = keeper().connection();
  await refreshed(connection);
  expect(await connection.refresh?.()).toMatchObject({ clientKey: 'key-1' });
  expect(asked).toHaveLength(1);
});

test('refusals that go on lead to fewer and fewer questions, at last one every ten minutes at most', async () => {
  refuse = true;
  let connection = keeper().connection();
  const hour = 3600;
  for (let second = 0; second < hour; second += 5) {
    connection = await refreshed(connection);
    await clock.advance(4000);
  }
  expect(asked.length).toBeGreaterThan(8);
  expect(asked.length).toBeLessThan(25);
  expect(connection.clientKey).toBe('key-0');
});

test('a certificate that is signed slowly holds up no call for longer than five seconds, and is used when it comes', async () => {
  signingMilliseconds = 30_000;
  const connection = keeper().connection();
  const answer = connection.refresh?.();
  await clock.advance(5000);
  expect(await answer).toMatchObject({ clientKey: 'key-0' });
  await clock.advance(25_000);
  expect(await connection.refresh?.()).toMatchObject({ clientKey: 'key-1' });
  expect(clock.sleeping).toBe(0);
});

test('credentials that were accepted make the next refusal count as the first', async () => {
  refuse = true;
  const under = keeper();
  let connection = under.connection();
  for (let round = 0; round < 12; round += 1) {
    connection = await refreshed(connection);
    await clock.advance(600_000);
  }
  under.accepted();
  await refreshed(connection);
  const before = asked.length;
  await clock.advance(2000);
  await refreshed(connection);
  expect(asked.length).toBe(before + 1);
});
