import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { classify, createWorld, type RunningAgent, type World } from './world.ts';

/** Twelve in every run; the long proof is `SWAPS=100`. */
const swaps = Number(process.env['SWAPS'] ?? 12);

describe('swapping models', () => {
  let world: World;
  let agent: RunningAgent;
  beforeAll(async () => {
    world = await createWorld();
    agent = await world.startAgent();
    await world.assign('device-a', 'states', { active: await world.slot('classifier.onnx', 'r1') });
    await eventually(async () => expect((await classify(agent.url, 'states')).status).toBe(200));
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it(`drops no request in ${swaps} swaps under constant load`, { timeout: 10_000 + swaps * 4000 }, async () => {
    const failures: unknown[] = [];
    const versions = new Set<unknown>();
    let running = true;
    let requests = 0;
    const load = Array.from({ length: 4 }, async () => {
      while (running) {
        const { status, body } = await classify(agent.url, 'states');
        requests++;
        versions.add(body['model_version']);
        if (status !== 200) failures.push(body);
      }
    });
    for (let swap = 0; swap < swaps; swap++) {
      const even = swap % 2 === 0;
      const revision = even ? 'r2' : 'r1';
      const file = even ? 'classifier-2.onnx' : 'classifier.onnx';
      const other = await world.slot(even ? 'classifier.onnx' : 'classifier-2.onnx', even ? 'r1' : 'r2');
      await world.assign('device-a', 'states', { active: await world.slot(file, revision), previous: other });
      await eventually(async () => expect((await classify(agent.url, 'states')).body['model_version']).toBe(`${revision}.0.0`));
    }
    running = false;
    await Promise.all(load);
    expect(failures).toEqual([]);
    expect(versions).toEqual(new Set(['r1.0.0', 'r2.0.0']));
    expect(requests).toBeGreaterThan(200);
  });

  it('gives the candidate its share, and each version its own address', async () => {
    const active = await world.slot('classifier.onnx', 'r1');
    const candidate = await world.slot('classifier-2.onnx', 'r2');
    await world.assign('device-a', 'states', { active, candidate, candidateSharePercent: 25 });
    await eventually(async () => expect((await classify(agent.url, 'states/versions/r2.0.0')).status).toBe(200));
    await eventually(async () => expect((await classify(agent.url, 'states/versions/r1.0.0')).status).toBe(200));
    const answered = [];
    for (let request = 0; request < 40; request++) answered.push((await classify(agent.url, 'states')).body['model_version']);
    expect(answered.filter((version) => version === 'r2.0.0')).toHaveLength(10);
  });

  it('makes way first where two models must not be loaded at once, and says how long the gap was', async () => {
    const active = await world.slot('classifier-2.onnx', 'r3');
    await world.assign('device-a', 'states', { active, strategy: 'Recreate' });
    await eventually(async () => expect((await classify(agent.url, 'states')).body['model_version']).toBe('r3.0.0'));
    await eventually(async () => {
      const serving = (await world.instance('states')).status?.conditions?.find((condition) => condition.type === 'Serving');
      expect(serving).toMatchObject({ status: 'True', message: expect.stringMatching(/gap of \d+ ms/) });
    });
  });

  it('keeps the old model when the new one cannot load, and says why', async () => {
    const broken = await world.addArtifact(Buffer.from('<html>not found</html>'));
    const slot = { ...(await world.slot('classifier.onnx', 'r4')), ...broken };
    await world.assign('device-a', 'states', { active: slot });
    await eventually(async () => {
      const { status } = await world.instance('states');
      expect(status?.phase).toBe('Failed');
      expect(status?.conditions?.find((condition) => condition.type === 'Loaded')).toMatchObject({
        status: 'False',
        reason: 'UnsupportedModel',
      });
    });
    expect((await classify(agent.url, 'states')).body['model_version']).toBe('r3.0.0');
  });

  it('stops when its device no longer lists it, and only then', async () => {
    await world.unassign('device-a');
    await eventually(async () => expect((await classify(agent.url, 'states')).status).toBe(404));
  });
});
