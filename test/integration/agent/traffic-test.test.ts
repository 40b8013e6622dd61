// Orders to compare a candidate with what serves on live requests, carried out by a real agent and real models.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EnergyTestStatus, Slot, TrafficTestOrder } from '../../../crds/model-instance.ts';
import { eventually } from '../../support/eventually.ts';
import { classify, createWorld, type RunningAgent, type World } from './world.ts';

const classLabels = ['a', 'b', 'c'];
/** Both classifiers say c, with other probabilities. */
const sameClass = [1, 2, 3, 4];
/** The first has no preference and says a, the second says c. */
const otherClass = [0, 0, 0, 9];
const neverEnough = 10_000;

describe('a traffic test', () => {
  let world: World;
  let agent: RunningAgent;
  let active: Slot;
  let candidate: Slot;
  beforeAll(async () => {
    world = await createWorld();
    agent = await world.startAgent({ simulate: 'raspberry-pi-5' });
    active = await world.slot('classifier.onnx', 'r1', { classLabels });
    candidate = await world.slot('classifier-2.onnx', 'r2', { classLabels });
    await world.assign('device-a', 'states', { active, candidate });
    await eventually(async () => expect((await classify(agent.url, 'states/versions/r2.0.0')).status).toBe(200));
    await eventually(async () => expect((await classify(agent.url, 'states')).status).toBe(200));
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const testOf = async (id: string): Promise<EnergyTestStatus | undefined> =>
    (await world.instance('states')).status?.tests?.find((test) => test.id === id);

  /** Orders a test and waits until the agent says that it counts. */
  async function begin(order: TrafficTestOrder, share: number, tested: Slot = candidate): Promise<void> {
    await world.assign('device-a', 'states', { active, candidate: tested, candidateSharePercent: share, trafficTest: order });
    await eventually(async () => expect(await testOf(order.id)).toMatchObject({ kind: 'Traffic', windowsDone: 0 }));
  }

  /** One request after another; the versions that answered, or the status of what was refused. */
  async function send(count: number, values: (request: number) => readonly number[] = () => sameClass): Promise<unknown[]> {
    const answered: unknown[] = [];
    for (let request = 0; request < count; request++) {
      const { status, body } = await classify(agent.url, 'states', values(request));
      answered.push(status === 200 ? body['model_version'] : status);
    }
    return answered;
  }

  it('gives the candidate its share, counts the answers of both, and compares those of the candidate', async () => {
    await begin({ id: 'share', windowSeconds: 1, minimumInferences: 50, compareAnswers: true }, 25);
    // The candidate answers every fourth: by turns one that both see alike, and one that they do not.
    const answered = await send(200, (request) => (request % 8 < 4 ? sameClass : otherClass));
    expect(answered.filter((version) => version === 'r2.0.0')).toHaveLength(50);
    expect(answered.filter((version) => version === 'r1.0.0')).toHaveLength(150);
    const test = await eventually(async () => {
      const seen = await testOf('share');
      expect(seen).toMatchObject({ state: 'Completed', windows: 50, windowsDone: 50, inferences: 50, errors: 0 });
      return seen;
    });
    expect(test?.active).toMatchObject({ inferences: 150, errors: 0 });
    expectPercentiles(test);
    expectPercentiles(test?.active);
    // The active model is asked as well only when it has nothing else to do.
    expect(test?.compared).toBeGreaterThan(25);
    expect(test?.compared).toBeLessThanOrEqual(50);
    expect(test?.agreementPermille).toBeGreaterThan(300);
    expect(test?.agreementPermille).toBeLessThan(700);
  });

  it.each([
    ['agrees wholly', 'r3', 'classifier.onnx', 1000],
    ['agrees nowhere', 'r4', 'classifier-2.onnx', 0],
  ])('asks a shadow that %s, and clients never get its answers', async (_, revision, file, agreementPermille) => {
    // Without labels the numbers themselves are compared.
    const shadow = await world.slot(file, revision);
    const id = `shadow-${revision}`;
    await begin({ id, windowSeconds: 1, minimumInferences: 40 }, 0, shadow);
    const versions = new Set<unknown>();
    const test = await eventually(async () => {
      for (const version of await send(20)) versions.add(version);
      const seen = await testOf(id);
      expect(seen).toMatchObject({ state: 'Completed', errors: 0, agreementPermille });
      return seen;
    });
    expect(versions).toEqual(new Set(['r1.0.0']));
    expect(test?.inferences).toBeGreaterThanOrEqual(40);
    expect(test?.compared).toBe(test?.inferences);
    expect(test?.active?.inferences).toBeGreaterThanOrEqual(test?.inferences ?? 0);
    expectPercentiles(test);
    expectPercentiles(test?.active);
  });

  it.each([
    ['a shadow', 0],
    ['a candidate with a share', 25],
  ])('counts as errors of %s what it refuses and the active model answers', async (_, share) => {
    const other = await world.slot('types.onnx', `r5-${share}`);
    const id = `refused-${share}`;
    await begin({ id, windowSeconds: 1, minimumInferences: 20 }, share, other);
    const answers = new Set<unknown>();
    const test = await eventually(async () => {
      for (const answer of await send(20)) answers.add(answer);
      const seen = await testOf(id);
      expect(seen).toMatchObject({ state: 'Completed', inferences: 0, active: { errors: 0 } });
      return seen;
    });
    expect(test?.errors).toBeGreaterThanOrEqual(20);
    expect(answers).toEqual(new Set(share === 0 ? ['r1.0.0'] : ['r1.0.0', 400]));
  });

  it('does not blame the candidate for what no model would accept', async () => {
    await begin({ id: 'malformed', windowSeconds: 1, minimumInferences: neverEnough }, 50);
    expect(new Set(await send(40, () => [1, 2, 3]))).toEqual(new Set([400]));
    await send(40);
    await eventually(async () => expect(await testOf('malformed')).toMatchObject({ inferences: 20, errors: 0, windowsDone: 20 }));
  });

  it('says that it waits when its window is over and too few requests came', async () => {
    await begin({ id: 'quiet', windowSeconds: 1, minimumInferences: neverEnough }, 50);
    await eventually(async () =>
      expect(await testOf('quiet')).toMatchObject({
        state: 'Waiting',
        reason: 'Waiting',
        message: expect.stringMatching(/window of 1 s is over/),
      }),
    );
  });

  it('ends with its order: what is unfinished leaves the status, what is done stays, and the next begins at nothing', async () => {
    await begin({ id: 'done', windowSeconds: 1, minimumInferences: 1 }, 100);
    await send(1);
    await eventually(async () => expect(await testOf('done')).toMatchObject({ state: 'Completed', windowsDone: 1 }));
    await begin({ id: 'replaced', windowSeconds: 1, minimumInferences: neverEnough }, 100);
    await send(5);
    await eventually(async () => expect(await testOf('replaced')).toMatchObject({ windowsDone: 5 }));
    await begin({ id: 'next', windowSeconds: 1, minimumInferences: neverEnough }, 100);
    await eventually(async () => expect(await testOf('replaced')).toBeUndefined());
    expect(await testOf('done')).toMatchObject({ state: 'Completed', windowsDone: 1 });
    await send(3);
    await eventually(async () => expect(await testOf('next')).toMatchObject({ windowsDone: 3 }));
    await world.assign('device-a', 'states', { active, candidate, candidateSharePercent: 100 });
    await eventually(async () => expect(await testOf('next')).toBeUndefined());
    // A test that is done and ordered again is not run again.
    const order = { id: 'done', windowSeconds: 1, minimumInferences: 1 };
    await world.assign('device-a', 'states', { active, candidate, candidateSharePercent: 100, trafficTest: order });
    await begin({ id: 'last', windowSeconds: 1, minimumInferences: neverEnough }, 100);
    expect(await testOf('done')).toMatchObject({ state: 'Completed', windowsDone: 1 });
  });

  it('ends with its candidate too, and begins anew when that is back', async () => {
    const order = { id: 'gone', windowSeconds: 1, minimumInferences: neverEnough };
    await begin(order, 100);
    await send(4);
    await eventually(async () => expect(await testOf('gone')).toMatchObject({ windowsDone: 4 }));
    await world.assign('device-a', 'states', { active, trafficTest: order });
    await eventually(async () => expect(await testOf('gone')).toBeUndefined());
    expect(new Set(await send(4))).toEqual(new Set(['r1.0.0']));
    await begin(order, 100);
  });

  it('does not end before one answer was compared, where answers are to be compared', async () => {
    const order = { id: 'incomparable', windowSeconds: 1, minimumInferences: 10, compareAnswers: true };
    // What serves does not understand the requests, so there is nothing to compare with.
    const deaf = await world.slot('types.onnx', 'r6');
    await world.assign('device-a', 'states', { active: deaf, candidate, candidateSharePercent: 100, trafficTest: order });
    await eventually(async () => expect(await testOf(order.id)).toMatchObject({ windowsDone: 0 }));
    expect(new Set(await send(20))).toEqual(new Set(['r2.0.0']));
    const test = await eventually(async () => {
      const seen = await testOf(order.id);
      expect(seen).toMatchObject({
        state: 'Waiting',
        windowsDone: 20,
        message: expect.stringMatching(/no answers could be compared/),
      });
      return seen;
    });
    expect(test).not.toHaveProperty('agreementPermille');
  });
});

function expectPercentiles(figures: Partial<EnergyTestStatus> | undefined): void {
  const { p95LowerMicroseconds: lower = 0, p95LatencyMicroseconds: middle = 0, p95UpperMicroseconds: upper = 0 } = figures ?? {};
  expect(lower).toBeGreaterThan(0);
  expect(middle).toBeGreaterThanOrEqual(lower);
  expect(upper).toBeGreaterThanOrEqual(middle);
}
