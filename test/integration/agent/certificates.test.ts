// The certificate of a device while it serves: renewed in time, and when it ran out without a network.
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DeviceIdentity, lifetimeOf, readIdentity } from '../../../agent/identity/device-identity.ts';
import { devicesNamespace } from '../../../crds/names.ts';
import { leases } from '../../../kube/api/builtins.ts';
import { type Clock, systemClock } from '../../../kube/runtime/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { TcpSwitch } from '../../support/tcp-switch.ts';
import { classify, createWorld, type RunningAgent, type World } from './world.ts';

const signal = AbortSignal.timeout(120_000);
const name = 'device-a';
const longWaitMilliseconds = 60_000;

describe('the certificate of a device', () => {
  let world: World;
  let agent: RunningAgent;
  let line: TcpSwitch | undefined;
  let realPort: number;
  let ahead = 0;
  /** Days ahead when told; what waits for minutes comes soon. */
  const clock: Clock = {
    now: () => systemClock.now() + ahead,
    monotonic: () => systemClock.monotonic(),
    sleep: (milliseconds, aborted) => systemClock.sleep(milliseconds >= longWaitMilliseconds ? 200 : milliseconds, aborted),
  };

  beforeAll(async () => {
    world = await createWorld(async ({ url, certificateAuthority }) => {
      realPort = Number(new URL(url).port);
      line ??= await TcpSwitch.start(realPort);
      return { url: `https://127.0.0.1:${line.port}`, certificateAuthority };
    });
    agent = await world.startAgent({ name }, clock);
    await eventually(() => world.device(name), 20);
    await world.assign(name, 'states', { active: await world.slot('classifier.onnx', 'r1') });
    await eventually(async () => expect((await classify(agent.url, 'states')).status).toBe(200), 20);
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await line?.close();
  });

  async function identity(): Promise<DeviceIdentity> {
    const known = await readIdentity(agent.options.dataDirectory);
    if (!known) throw new Error('there is no identity');
    return known;
  }
  const renewal = async () => (await world.client.get(leases, { namespace: devicesNamespace, name }, { signal })).spec?.renewTime;
  async function beats(): Promise<void> {
    const last = await renewal();
    await eventually(async () => expect(await renewal()).not.toBe(last), 20);
  }

  it('is renewed at two thirds of its life, with a new key, while requests are answered', async () => {
    const before = await identity();
    const { notBefore, notAfter, renewAt } = lifetimeOf(before.certificate);
    expect(renewAt).toBeCloseTo(notBefore + ((notAfter - notBefore) * 2) / 3, -1);
    ahead = renewAt - systemClock.now() - 60_000;
    await beats();
    expect((await identity()).certificate).toBe(before.certificate);
    ahead += 61_000;
    const after = await eventually(async () => {
      expect((await classify(agent.url, 'states')).status).toBe(200);
      const now = await identity();
      expect(now.certificate).not.toBe(before.certificate);
      return now;
    }, 20);
    ahead = 0;
    expect(after.key).not.toBe(before.key);
    expect(after.deviceUid).toBe(before.deviceUid);
    expect(new X509Certificate(after.certificate).subject).toBe(new X509Certificate(before.certificate).subject);
    await beats();
  });

  it('may run out while there is no network: the device serves on, and joins again with its token under its bound name', async () => {
    const before = await identity();
    line?.plugInto(0);
    ahead = lifetimeOf(before.certificate).notAfter - systemClock.now() + 60_000;
    await eventually(async () => {
      expect((await classify(agent.url, 'states')).status).toBe(200);
      expect((await identity()).certificate).not.toBe(before.certificate);
    }, 20);
    ahead = 0;
    const after = await identity();
    expect(after).toMatchObject({ name, key: before.key, deviceUid: before.deviceUid });
    line?.plugInto(realPort);
    await beats();
    await world.assign(name, 'states', { active: await world.slot('classifier-2.onnx', 'r2') });
    await eventually(async () => expect((await classify(agent.url, 'states')).body['model_version']).toBe('r2.0.0'), 30);
  });
});
