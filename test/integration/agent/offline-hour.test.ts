// An hour without the API server, on a clock that the test moves: the device serves, measures, enforces, and catches up.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../support/fake-clock.ts';
import { TcpSwitch } from '../../support/tcp-switch.ts';
import { classify, createWorld, type RunningAgent, type World } from './world.ts';

const hour = 3600;
/** Seconds between two looks in a long time. */
const stride = 10;
/** The board draws far more than this, so the second revision breaks its budget as soon as its window is measured. */
const broken = { averagePower: '1mW', powerBasis: 'Whole' as const, windowSeconds: 300, whenExceeded: 'Rollback' as const };

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('an hour without the API server', () => {
  let world: World;
  let agent: RunningAgent;
  let line: TcpSwitch;
  let realPort: number;
  let clock: FakeClock;
  /** Each version that answered, once for each time that it took over. */
  let served: unknown[];
  let failures: unknown[];

  beforeEach(async () => {
    clock = new FakeClock(Date.now());
    served = [];
    failures = [];
    let started: TcpSwitch | undefined;
    world = await createWorld(async ({ url, certificateAuthority }) => {
      realPort = Number(new URL(url).port);
      started ??= await TcpSwitch.start(realPort);
      line = started;
      return { url: `https://127.0.0.1:${line.port}`, certificateAuthority };
    });
    agent = await world.startAgent({ simulate: 'raspberry-pi-5', windowSeconds: 10, heartbeatSeconds: 60 }, clock);
    await within(60, () => world.device('device-a'));
    const [r1, r2] = [await world.slot('classifier.onnx', 'r1'), await world.slot('classifier-2.onnx', 'r2', { budget: broken })];
    await world.assign('device-a', 'states', { active: r1 });
    await within(60, serving('r1'));
    await world.assign('device-a', 'states', { active: r2, previous: r1 });
    await within(60, serving('r2'));
    failures.length = 0; // of the time before there was a model
  }, 120_000);
  afterEach(async () => {
    await world[Symbol.asyncDispose]();
    await line.close();
  });

  async function ask(): Promise<unknown> {
    const { status, body } = await classify(agent.url, 'states');
    if (status !== 200) failures.push(body);
    const version = body['model_version'];
    if (version !== served.at(-1)) served.push(version);
    return version;
  }
  const serving = (revision: string) => async () => expect(await ask()).toBe(`${revision}.0.0`);

  /** Lets seconds pass until the probe holds. @returns how many they were. */
  async function within(seconds: number, probe: () => Promise<unknown>, step = 1): Promise<number> {
    for (let passed = 0; ; passed += step) {
      try {
        await probe();
        return passed;
      } catch (error) {
        if (passed >= seconds) throw error;
        await clock.advance(step * 1000);
        await new Promise((resolve) => setTimeout(resolve, 100)); // sockets and a model's start have a time of their own, longer on a busy machine
      }
    }
  }

  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`${agent.url}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  }
  const energy = () => metric('jouleops_node_energy_joules_total\\{source="simulated:board"\\}');
  const heapBytes = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };

  it('is served, measured and enforced through, without memory; then what changed is applied once, in seconds, and told', async () => {
    line.plugInto(0);
    const [joules, asked] = [await energy(), served.length];
    let heap = 0;
    let sleeping = 0;
    for (let second = 0; second < hour; second += stride) {
      await clock.advance(stride * 1000);
      await ask();
      if (second === hour / 6) [heap, sleeping] = [heapBytes(), clock.sleeping];
    }
    expect(failures).toEqual([]);
    expect(served.slice(asked)).toEqual(['r1.0.0']);
    expect((await energy()) - joules).toBeGreaterThan(2.9 * hour * 0.98);
    expect(heapBytes() - heap).toBeLessThan(8 * 2 ** 20);
    expect(clock.sleeping).toBeLessThanOrEqual(sleeping + 2);

    const changed = await world.slot('classifier.onnx', 'r4');
    for (const revision of ['r3', 'r4'])
      await world.assign('device-a', 'states', {
        active: revision === 'r4' ? changed : await world.slot('classifier-2.onnx', revision),
        previous: await world.slot('classifier.onnx', 'r1'),
      });
    const before = served.length;
    line.plugInto(realPort);
    const seconds = await within(90, serving('r4'));
    expect(seconds).toBeLessThanOrEqual(45);
    await within(30, async () => {
      const { status } = await world.instance('states');
      expect(status).toMatchObject({
        phase: 'Serving',
        observedGeneration: (await world.instance('states')).metadata.generation,
      });
    });
    for (let second = 0; second < 60; second++) {
      await clock.advance(1000);
      await ask();
    }
    expect(served.slice(before)).toEqual(['r4.0.0']);
    expect(failures).toEqual([]);
  });

  it('tells of its step back where the revision that broke its budget is still wanted', async () => {
    const [r1, r2] = [await world.slot('classifier.onnx', 'r1'), await world.slot('classifier-2.onnx', 'r5', { budget: broken })];
    await world.assign('device-a', 'states', { active: r2, previous: r1 });
    await within(90, serving('r5'));
    line.plugInto(0);
    await within(1200, serving('r1'), stride);
    line.plugInto(realPort);
    await within(90, async () => {
      const { status } = await world.instance('states');
      expect(status?.localRollback).toMatchObject({ revision: 'r5', reason: 'BudgetExceededMeasured' });
    });
    await within(10, serving('r1'));
  });
});
