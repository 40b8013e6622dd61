import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { classify, createWorld } from './world.ts';

const simulated = { simulate: 'raspberry-pi-5', windowSeconds: 0.5 };
const ask = async (url: string, seconds: number) => {
  const end = Date.now() + seconds * 1000;
  const answers: number[] = [];
  while (Date.now() < end) answers.push((await classify(url, 'states')).status);
  return answers;
};

describe('power amounts of a budget', () => {
  it('throttle a model that draws too much, which then keeps its average; energy per day goes on over a restart', async () => {
    await using world = await createWorld();
    const agent = await world.startAgent(simulated);
    const active = await world.slot('classifier.onnx', 'r1', {
      budget: { averagePower: '5mW', energyPerDay: '1kJ', windowSeconds: 10, whenExceeded: 'Throttle' },
    });
    await world.assign('device-a', 'states', { active });
    await eventually(async () => expect((await classify(agent.url, 'states')).status).toBe(200));
    await eventually(async () => expect((await world.device('device-a')).status?.idlePower).not.toHaveLength(0), 30);
    await eventually(async () => {
      await ask(agent.url, 1);
      const { status } = await world.instance('states');
      const revision = status?.revisions?.[0];
      expect(revision?.powerReadings?.map(({ name }) => name).toSorted()).toEqual(['AveragePower', 'EnergyPerDay']);
      expect(revision?.dutyPermille).toBeGreaterThan(0);
      expect(status?.conditions?.find(({ type }) => type === 'BudgetRespected')?.message).toContain('throttled to');
    }, 40);
    const burst = await Promise.all(Array.from({ length: 600 }, () => classify(agent.url, 'states')));
    expect(burst.map(({ status }) => status)).toContain(429);
    const today = async (url: string) =>
      Number(/energy_today_joules\{of="simulated:board"\} ([\d.]+)/.exec(await (await fetch(`${url}/metrics`)).text())?.[1] ?? 0);
    const before = await today(agent.url);
    expect(before).toBeGreaterThan(10);
    await agent.stop();
    await using again = await world.startAgent(simulated);
    expect(await today(again.url)).toBeGreaterThanOrEqual(before);
  });

  it('stop a model that used up its day, when the policy says so, and it stays stopped', async () => {
    await using world = await createWorld();
    const agent = await world.startAgent(simulated);
    const active = await world.slot('classifier.onnx', 'r1', { budget: { energyPerDay: '1uJ', whenExceeded: 'Stop' } });
    await world.assign('device-a', 'states', { active });
    await eventually(async () => expect((await world.device('device-a')).status?.idlePower).not.toHaveLength(0), 30);
    await eventually(async () => {
      await ask(agent.url, 0.5);
      expect((await world.instance('states')).status?.localRollback).toMatchObject({
        revision: 'r1',
        reason: 'BudgetExceededMeasured',
        message: expect.stringContaining('in the last') as string,
      });
    }, 30);
    await eventually(async () => expect((await classify(agent.url, 'states')).status).toBe(503));
  });
});
