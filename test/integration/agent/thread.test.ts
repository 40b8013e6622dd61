import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { classify, createWorld, type RunningAgent, type World } from './world.ts';

describe('an agent, from joining to a measured model', () => {
  let world: World;
  let agent: RunningAgent;
  beforeAll(async () => {
    world = await createWorld();
    agent = await world.startAgent({ name: 'pi5-a', simulate: 'raspberry-pi-5' });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it('joins, and its device says what it simulates', async () => {
    await eventually(async () => {
      const { spec, status } = await world.device('pi5-a');
      expect(spec.deviceClassName).toBe('raspberry-pi-5-simulated');
      expect(status?.simulated).toBe(true);
      expect(status?.classKey).toMatchObject({ board: 'raspberry-pi-5', runtime: 'onnxruntime', threads: 1, spinning: false });
      expect(status?.powerSources?.map((source) => [source.kind, source.boundary])).toEqual([
        ['simulated', 'Board'],
        ['simulated', 'CoreRail'],
      ]);
    });
  });

  it('serves the model that it is assigned, and says so', async () => {
    const active = await world.slot('classifier.onnx', 'r1', { classLabels: ['a', 'b', 'c'] });
    await world.assign('pi5-a', 'machine-state', { active });
    await eventually(async () => {
      const { status } = await world.instance('machine-state');
      expect(status?.phase).toBe('Serving');
    });
    const { status, body } = await classify(agent.url, 'machine-state');
    expect(status).toBe(200);
    expect(body).toMatchObject({ model_name: 'machine-state', model_version: 'r1.0.0' });
  });

  it('runs an ordered controlled loop and reports energy with its interval', async () => {
    const active = await world.slot('classifier.onnx', 'r1', { budget: { energyPerInference: '50mJ', boundary: 'Board' } });
    await world.assign('pi5-a', 'machine-state', { active, energyTest: { id: 't1', kind: 'Absolute', windows: 6 } });
    await eventually(async () => {
      const { status } = await world.instance('machine-state');
      expect(status?.tests?.[0]).toMatchObject({ id: 't1', state: 'Completed', windowsDone: 6 });
    }, 30);
    const { status } = await world.instance('machine-state');
    const test = status?.tests?.[0];
    expect(test?.energy).toMatchObject({
      quantity: 'Active',
      boundary: 'Board',
      source: 'simulated:board',
      attribution: 'Controlled',
    });
    expect(Number(test?.meanLog)).toBeLessThan(0);
    expect(test?.errors).toBe(0);
    expect(test?.energySpent).toMatch(/J$/);
    await eventually(async () => {
      const conditions = (await world.instance('machine-state')).status?.conditions;
      expect(conditions?.find((condition) => condition.type === 'BudgetRespected')).toMatchObject({
        status: 'True',
        reason: 'WithinBudget',
      });
    });
  });
});
