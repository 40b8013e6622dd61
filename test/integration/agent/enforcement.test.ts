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
  it('stop a model that used up its day, when the policy says so, and it stays stopped', async () => {
    await using world = await createWorld();
    const agent = await world.startAgent(simulated);
    // Whole: what a tiny model draws above idle drowns in the idle power's own noise on a machine with other work.
    const budget = { energyPerDay: '1uJ', powerBasis: 'Whole', whenExceeded: 'Stop' } as const;
    const active = await world.slot('classifier.onnx', 'r1', { budget });
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
