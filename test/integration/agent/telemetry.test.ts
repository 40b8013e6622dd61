// POST /telemetry: a meter of another program becomes the device's power source.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { createWorld, type RunningAgent, type World } from './world.ts';

type Json = Record<string, unknown>;

describe('energy that another program measured', () => {
  let world: World;
  let agent: RunningAgent;
  beforeAll(async () => {
    world = await createWorld();
    agent = await world.startAgent({ pathSysfs: '/nonexistent' });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  async function push(body: unknown, url = agent.url): Promise<{ status: number; body: Json }> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(`${url}/telemetry`, { method: 'POST', body: text });
    return { status: response.status, body: (await response.json()) as Json };
  }

  it('is added up in joules whatever its unit, and said what it was parsed from', async () => {
    const source = 'bench-meter';
    expect(await push({ source, energy_mwh: 1, monotonic_s: 1 })).toMatchObject({
      status: 202,
      body: { source: 'external:bench-meter', boundary: 'Board', joules: 3.6, parsed_from: 'energy_mwh' },
    });
    expect(await push({ source, power_mw: 2500, duration_s: 2, monotonic_s: 3 })).toMatchObject({
      status: 202,
      body: { joules: 5 },
    });
    expect(await push({ source, energy_mah: 1, voltage_v: 5, monotonic_s: 5 })).toMatchObject({
      status: 202,
      body: { joules: 18 },
    });
    await eventually(async () => {
      const { total, sources } = (await (await fetch(`${agent.url}/debug/sensors`)).json()) as { total: string; sources: Json[] };
      expect(total).toBe('external:bench-meter');
      expect(sources.find(({ name }) => name === total)).toMatchObject({ up: true, boundary: 'Board' });
    });
    await eventually(async () => {
      const { body } = { body: (await (await fetch(`${agent.url}/status`)).json()) as Json };
      expect(body['energy_metrics']).toMatchObject({ source: 'external:bench-meter', boundary: 'Board', reason: null });
    });
  });

  it.each<[string, unknown, RegExp]>([
    ['text that is not JSON', 'energy=1', /not JSON/],
    ['no amount', { source: 'm' }, /./],
    ['a negative amount', { source: 'm', energy_j: -1 }, /./],
    ['a charge without its voltage', { source: 'm', energy_mah: 3 }, /./],
  ])('is refused with a reason when it is %s', async (_, body, message) => {
    expect(await push(body)).toMatchObject({ status: 400, body: { error: expect.stringMatching(message) as string } });
  });

  it('has no place on a simulated device, and is never asked for with GET', async () => {
    const simulated = await world.startAgent({ name: 'device-s', simulate: 'raspberry-pi-5' });
    expect(await push({ source: 'm', energy_j: 1 }, simulated.url)).toMatchObject({
      status: 409,
      body: { error: expect.stringContaining('never mixed') as string },
    });
    expect((await fetch(`${agent.url}/telemetry`)).status).toBe(405);
  });
});
