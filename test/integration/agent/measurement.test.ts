import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assignAll } from '../../bench/harness/real-agent.ts';
import { eventually } from '../../support/eventually.ts';
import { sysfsTree } from '../../unit/agent/sysfs-tree.ts';
import { classify, createWorld, type RunningAgent, type World } from './world.ts';

const conditionOf = (conditions: readonly { type: string }[] | undefined, type: string) =>
  conditions?.find((condition) => condition.type === type);

describe('a device without a meter', () => {
  let world: World;
  let agent: RunningAgent;
  beforeAll(async () => {
    world = await createWorld();
    agent = await world.startAgent({ pathSysfs: '/nonexistent' });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it('says that it has none, exports no energy, and explains what it looked for', async () => {
    await eventually(async () => {
      const { status } = await world.device('device-a');
      expect(status).toMatchObject({ simulated: false, powerSources: [] });
      expect(conditionOf(status?.conditions, 'PowerMeasured')).toMatchObject({ status: 'Unknown', reason: 'NoPowerSource' });
    });
    const metrics = await (await fetch(`${agent.url}/metrics`)).text();
    expect(metrics).toContain('jouleops_power_sources{kind="any"} 0');
    expect(metrics).not.toMatch(/^jouleops_(node_energy_joules_total|node_power_watts|power_source_up)\{/m);
    const sensors = (await (await fetch(`${agent.url}/debug/sensors`)).json()) as { total: unknown; probes: { why?: string }[] };
    expect(sensors.total).toBeNull();
    expect(sensors.probes.length).toBeGreaterThan(4);
    for (const probe of sensors.probes) expect(probe.why).toEqual(expect.any(String));
  });

  it('tests errors and latency when asked for energy, and never claims a number', async () => {
    const active = await world.slot('classifier.onnx', 'r1', { budget: { energyPerInference: '50mJ' } });
    await world.assign('device-a', 'states', { candidate: active, energyTest: { id: 't1', kind: 'Absolute', windows: 6 } });
    await eventually(async () => {
      const test = (await world.instance('states')).status?.tests?.[0];
      expect(test).toMatchObject({ state: 'Completed', windowsDone: 6, errors: 0, energyAbsent: { reason: 'NoPowerSource' } });
      expect(test?.p95LatencyMicroseconds).toBeGreaterThan(0);
      expect(test).not.toHaveProperty('energy');
      expect(test).not.toHaveProperty('energySpent');
    }, 30);
    expect((await classify(agent.url, 'states')).status).toBe(503);
  });

  it('adds windows to a test that is to be looked at again, and measures none twice', async () => {
    const order = (windows: number) => ({ id: 't2', kind: 'Absolute' as const, windows });
    const testNow = async () => (await world.instance('states')).status?.tests?.find(({ id }) => id === 't2');
    const candidate = await world.slot('classifier.onnx', 'r1', { budget: { energyPerInference: '50mJ' } });
    await world.assign('device-a', 'states', { candidate, energyTest: order(6) });
    await eventually(
      async () => expect(await testNow()).toMatchObject({ state: 'Completed', windowsDone: 6, windowsTried: 6 }),
      30,
    );
    const first = await testNow();
    await world.assign('device-a', 'states', { candidate, energyTest: order(10) });
    await eventually(
      async () => expect(await testNow()).toMatchObject({ state: 'Completed', windows: 10, windowsTried: 10 }),
      30,
    );
    const second = await testNow();
    expect(second).toMatchObject({ windowsDone: 10, startTime: first?.startTime });
    expect(second?.inferences).toBeGreaterThan(first?.inferences ?? 0);
  });

  it('does not let a model serve that fails its golden set, and reports how far it came', async () => {
    const right = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [9, 0, 0, 0] }], outputs: [], label: 'a' };
    const wrong = { ...right, label: 'c' };
    const lines = [right, wrong, right, right].map((sample) => JSON.stringify(sample)).join('\n');
    const golden = await world.addArtifact(gzipSync(lines));
    const goldenSet = { digest: golden.digest, size: golden.size, metric: 'Accuracy' as const, minimumPermille: 900 };
    const active = await world.slot('classifier.onnx', 'r2', { classLabels: ['a', 'b', 'c'], goldenSet });
    await world.assign('device-a', 'states', { active });
    await eventually(async () => {
      const { status } = await world.instance('states');
      const revision = status?.revisions?.find((candidate) => candidate.revision === 'r2');
      expect(revision).toMatchObject({
        phase: 'Failed',
        reason: 'GoldenSetFailed',
        golden: { permille: 750, samples: 4, passed: false },
      });
    });
    const passing = { ...active, revision: 'r3', goldenSet: { ...goldenSet, minimumPermille: 700 } };
    await world.assign('device-a', 'states', { active: passing });
    await eventually(async () => expect((await classify(agent.url, 'states')).status).toBe(200));
    await eventually(async () => {
      const { status } = await world.instance('states');
      expect(status?.revisions?.[0]?.golden).toMatchObject({ permille: 750, passed: true });
    });
  });
});

describe('a throttled board', () => {
  const reason = 'devices/platform/soc/soc:firmware/get_throttled';

  it('says so beside what a controlled loop measured, and counts no window of ordinary work until it is over', async () => {
    await using world = await createWorld();
    await using tree = await sysfsTree({ [reason]: '0x4' });
    const agent = await world.startAgent({ simulate: 'raspberry-pi-5', windowSeconds: 0.2, pathSysfs: tree.root });
    const budget = { energyPerInference: '1J', boundary: 'CoreRail' as const, minimumInferences: 5 };
    const active = await world.slot('classifier.onnx', 'r1', { budget });
    await world.assign('device-a', 'states', { active });
    await eventually(async () => expect((await classify(agent.url, 'states')).status).toBe(200));
    const shown = async () => (await world.instance('states')).status?.revisions?.find(({ revision }) => revision === 'r1');
    await eventually(async () => {
      for (let request = 0; request < 10; request++) await classify(agent.url, 'states');
      const absent = { reason: 'Throttled', message: expect.stringMatching(/\d+ in which the board was throttled do not count/) };
      expect((await shown())?.energyAbsent).toMatchObject(absent);
    }, 30);
    expect(await shown()).not.toHaveProperty('energy');
    await world.assign('device-a', 'states', { active, energyTest: { id: 't1', kind: 'Absolute', windows: 6 } });
    await eventually(async () => {
      const test = (await world.instance('states')).status?.tests?.[0];
      expect(test).toMatchObject({ state: 'Completed', throttled: ['throttled'], energy: { attribution: 'Controlled' } });
    }, 30);
    await tree.write(reason, '0x40000');
    await eventually(async () => {
      for (let request = 0; request < 10; request++) await classify(agent.url, 'states');
      expect((await shown())?.energy).toMatchObject({ attribution: 'Exclusive', boundary: 'CoreRail' });
    }, 40);
  });
});

describe('two models at work on one board', () => {
  it('each show what a regression says of them, labelled Shared, which decides nothing', async () => {
    await using world = await createWorld();
    const agent = await world.startAgent({ simulate: 'raspberry-pi-5', windowSeconds: 0.1 });
    const budget = { energyPerInference: '1uJ', boundary: 'CoreRail' as const, minimumInferences: 5 };
    for (const [name, file] of [
      ['first', 'classifier.onnx'],
      ['second', 'classifier-2.onnx'],
    ] as const)
      await world.assign('device-a', name, { active: await world.slot(file, name, { budget }) });
    await assignAll(world, 'device-a', ['first', 'second']);
    for (const name of ['first', 'second'])
      await eventually(async () => expect((await classify(agent.url, name)).status).toBe(200));
    await eventually(async () => expect((await world.device('device-a')).status?.idlePower?.length).toBeGreaterThan(0), 30);
    let round = 0;
    await eventually(async () => {
      round++;
      const ask = async (name: string, count: number) => {
        for (let request = 0; request < count; request++) await classify(agent.url, name);
      };
      // Loads that vary apart: without that nothing could tell them apart.
      await Promise.all([ask('first', 2 + ((3 * round) % 7)), ask('second', 2 + ((5 * round) % 11))]);
      const { status } = await world.instance('first');
      expect(status?.revisions?.[0]?.energy).toMatchObject({ attribution: 'Shared', boundary: 'CoreRail', quantity: 'Marginal' });
      expect(conditionOf(status?.conditions, 'BudgetRespected')).toMatchObject({ status: 'Unknown' });
    }, 50);
  });
});

describe('a device with a meter', () => {
  it('compares two revisions in turns, and reports the mean log ratio', async () => {
    await using world = await createWorld();
    const agent = await world.startAgent({ simulate: 'raspberry-pi-5', windowSeconds: 0.1 });
    const active = await world.slot('classifier.onnx', 'r1', { budget: { energyPerInference: '50mJ', boundary: 'CoreRail' } });
    const candidate = await world.slot('classifier-2.onnx', 'r2', {
      budget: { energyPerInference: '50mJ', boundary: 'CoreRail' },
    });
    await world.assign('device-a', 'states', { active });
    await eventually(async () => expect((await classify(agent.url, 'states')).status).toBe(200));
    await world.assign('device-a', 'states', { active, candidate, energyTest: { id: 'p1', kind: 'Paired', windows: 6 } });
    await eventually(async () => {
      const test = (await world.instance('states')).status?.tests?.[0];
      expect(test).toMatchObject({
        kind: 'Paired',
        state: 'Completed',
        windowsDone: 6,
        energy: { boundary: 'CoreRail', quantity: 'Marginal', attribution: 'Controlled' },
      });
      // The two networks cost the same: the ratio is near one.
      expect(Math.abs(Number(test?.meanLog))).toBeLessThan(0.1);
      expect(Number(test?.varianceLog)).toBeGreaterThan(0);
    }, 40);
  });

  it('goes back to the previous model by itself when its budget breaks while it is offline, and stays there', async () => {
    await using world = await createWorld();
    const first = await world.startAgent({ simulate: 'raspberry-pi-5', windowSeconds: 0.2 });
    const previous = await world.slot('classifier.onnx', 'r1', { budget: { energyPerInference: '1J', minimumInferences: 5 } });
    const active = await world.slot('classifier-2.onnx', 'r2', { budget: { energyPerInference: '1uJ', minimumInferences: 5 } });
    await world.assign('device-a', 'states', { active, previous });
    await eventually(async () => expect((await classify(first.url, 'states')).body['model_version']).toBe('r2.0.0'));
    await eventually(async () => expect((await world.device('device-a')).status?.idlePower).toHaveLength(2));
    await eventually(async () => {
      for (let request = 0; request < 20; request++) await classify(first.url, 'states');
      const { status } = await world.instance('states');
      expect(conditionOf(status?.conditions, 'BudgetRespected')).toMatchObject({
        status: 'False',
        reason: 'BudgetExceededMeasured',
      });
    }, 30);
    expect((await classify(first.url, 'states')).body['model_version']).toBe('r2.0.0');
    await world.goDark();
    await eventually(async () => expect((await classify(first.url, 'states')).body['model_version']).toBe('r1.0.0'), 20);
    await first.stop();
    const again = await world.startAgent({ simulate: 'raspberry-pi-5', windowSeconds: 0.2 });
    await eventually(async () => expect((await classify(again.url, 'states')).body['model_version']).toBe('r1.0.0'));
  });
});
