// Device caps as a packed resource, with the real controller: what a cap lets in, and who gives way when it is lowered.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { edgeDevices, modelDeployments, modelInstances } from '../../../crds/resources.ts';
import { formatPower, parsePower } from '../../../energy/units.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { eventually } from '../../support/eventually.ts';
import { type RolloutWorld, startRolloutWorld } from '../../support/rollout-world.ts';

const signal = AbortSignal.timeout(120_000);
const idleWatts = 2.7;

describe('a power cap', () => {
  let world: RolloutWorld;
  /** What one of the two models adds. */
  let added: { lower: number; upper: number };

  const deploy = (name: string, priority: number) =>
    world.deploy(name, {
      modelVersionName: 'cell-1',
      priority,
      budget: { averagePower: '50W' },
      load: { requestRate: '5/s' },
      placement: { replicas: 1, deviceClassNames: ['raspberry-pi-5-simulated'] },
    });
  const setCap = (watts: number) =>
    world.plane.client.patch(
      edgeDevices,
      { name: 'pi' },
      { kind: 'merge', body: { spec: { powerCap: formatPower(watts) } } },
      { signal, fieldManager: 'test' },
    );
  const placed = async () => {
    const { items } = await world.plane.client.list(modelInstances, { namespace: world.namespace, signal });
    return items.map(({ spec }) => spec.deploymentName).sort();
  };
  const candidate = async (name: string) => (await world.deployment(name)).status?.candidates?.[0];

  beforeAll(async () => {
    world = await startRolloutWorld(signal);
    const idlePower = [{ boundary: 'Board' as const, value: `${idleWatts}W`, source: 'meter', time: '2026-01-01T00:00:00Z' }];
    await world.join('pi', 'raspberry-pi-5-simulated', { idlePower });
    await world.release('cell-1', 1);
    await deploy('low', 0);
    await deploy('high', 10);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it('is not needed: without one both are placed', async () => {
    await eventually(async () => expect(await placed()).toEqual(['high', 'low']), 30);
    await eventually(async () => {
      const amount = (await world.deployment('low')).status?.classes?.[0]?.amounts[0];
      added = { lower: parsePower(amount?.predicted?.lower ?? ''), upper: parsePower(amount?.predicted?.upper ?? '') };
      expect(added.lower).toBeGreaterThan(0);
    }, 20);
  });

  it('that holds for idle power and both upper bounds moves nobody', async () => {
    await setCap(idleWatts + 2.2 * added.upper);
    await eventually(async () => expect((await candidate('low'))?.verdict).toBe('Chosen'), 10);
    expect(await placed()).toEqual(['high', 'low']);
  });

  it('that the two exceed for certain takes the lower priority off, and says with which numbers', async () => {
    await setCap(idleWatts + 1.5 * added.lower);
    await eventually(async () => expect(await placed()).toEqual(['high']), 20);
    await eventually(async () => {
      expect(await candidate('low')).toMatchObject({ deviceName: 'pi', verdict: 'PowerCapExceeded' });
      expect((await candidate('low'))?.message).toMatch(/with this model \(idle 2\.7W, others .*\) > cap /);
      const { items } = await world.plane.client.list(modelDeployments, { namespace: world.namespace, signal });
      const placedOf = (name: string) =>
        findCondition(items.find(({ metadata }) => metadata.name === name)?.status?.conditions, 'Placed')?.status;
      expect([placedOf('high'), placedOf('low')]).toEqual(['True', 'False']);
    }, 20);
  });

  it('that is raised again lets it back', async () => {
    await setCap(idleWatts + 3 * added.upper);
    await eventually(async () => expect(await placed()).toEqual(['high', 'low']), 20);
  });
});
