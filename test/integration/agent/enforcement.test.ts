import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LearnedRecord } from '../../../agent/record/learned-record.ts';
import type { ModelInstanceStatus } from '../../../crds/model-instance.ts';
import { eventually } from '../../support/eventually.ts';
import { classify, createWorld } from './world.ts';

const simulated = { simulate: 'raspberry-pi-5', windowSeconds: 0.5 };
const ask = async (url: string, seconds: number) => {
  const end = Date.now() + seconds * 1000;
  const answers: number[] = [];
  while (Date.now() < end) answers.push((await classify(url, 'states')).status);
  return answers;
};

const conditionOf = (status: ModelInstanceStatus | undefined, type: string) =>
  status?.conditions?.find((condition) => condition.type === type);

describe('power amounts of a budget', () => {
  it('stop a model that used up its day, when the policy says so, and it stays stopped', async () => {
    await using world = await createWorld();
    const agent = await world.startAgent(simulated);
    const active = await world.slot('classifier.onnx', 'r1', {
      budget: { energyPerDay: '1uJ', powerBasis: 'Whole' as const, whenExceeded: 'Stop' },
    });
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

  it('hold a model back that draws too much, which is told in its status', { timeout: 150_000 }, async () => {
    await using world = await createWorld();
    const agent = await world.startAgent(simulated);
    // A fraction of what it draws at work.
    const budget = { averagePower: '1mW', windowSeconds: 10, whenExceeded: 'Throttle' as const };
    await world.assign('device-a', 'states', { active: await world.slot('classifier.onnx', 'r1', { budget }) });
    await eventually(async () => expect((await world.device('device-a')).status?.idlePower).not.toHaveLength(0), 30);
    await eventually(async () => {
      await ask(agent.url, 0.5);
      const { status } = await world.instance('states');
      expect(status?.revisions?.[0]?.dutyPermille).toBeLessThan(1000);
      // False when it begins; what it draws once it is held back may be too little to tell.
      expect(conditionOf(status, 'BudgetRespected')).toMatchObject({
        status: expect.stringMatching(/^(False|Unknown)$/) as string,
        message: expect.stringMatching(/throttled to [\d.]+ % of the time/) as string,
      });
    }, 50);
    const { status } = await world.instance('states');
    expect(status).toMatchObject({ phase: 'Serving' });
    expect(status).not.toHaveProperty('localRollback');
    // Another policy lifts the cap.
    const lifted = await world.slot('classifier.onnx', 'r1', { budget: { ...budget, whenExceeded: 'Report' } });
    await world.assign('device-a', 'states', { active: lifted });
    await eventually(async () => expect((await classify(agent.url, 'states')).status).toBe(200), 20);
    // Told with the next look at all statuses at the latest.
    await eventually(
      async () => expect((await world.instance('states')).status?.revisions?.[0]).not.toHaveProperty('dutyPermille'),
      45,
    );
  });

  it('go on with the energy of the day where they were before a restart', async () => {
    await using world = await createWorld();
    const first = await world.startAgent(simulated);
    const slotWith = (energyPerDay: string) =>
      world.slot('classifier.onnx', 'r1', { budget: { energyPerDay, powerBasis: 'Whole', whenExceeded: 'Stop' } });
    await world.assign('device-a', 'states', { active: await slotWith('1000kJ') });
    await eventually(async () => expect((await classify(first.url, 'states')).status).toBe(200), 20);
    const counted = async () => {
      const text = await (await fetch(`${first.url}/metrics`)).text();
      return Number(/^jouleops_energy_today_joules\{of="simulated:board"\} (\S+)$/m.exec(text)?.[1]);
    };
    await eventually(async () => expect(await counted()).toBeGreaterThan(15), 30);
    await first.stop();
    const learned = JSON.parse(await readFile(path.join(first.options.dataDirectory, 'learned.json'), 'utf8')) as LearnedRecord;
    const before = (learned.power ?? [])
      .filter(({ boundary }) => boundary === 'Board')
      .reduce((sum, { wholeJoules }) => sum + wholeJoules, 0);
    expect(before).toBeGreaterThan(5);
    // Less than the first run drew: an agent that began at zero would stop the model at nine tenths of it.
    await world.assign('device-a', 'states', { active: await slotWith(`${(before * 0.9).toFixed(3)}J`) });
    await world.startAgent(simulated);
    const message = await eventually(async () => {
      const text = (await world.instance('states')).status?.localRollback?.message;
      if (text === undefined) throw new Error('it was not stopped yet');
      return text;
    }, 30);
    expect(Number(/^measured ([\d.]+)J /.exec(message)?.[1]), message).toBeGreaterThanOrEqual(before * 0.99);
  });
});
