// Bad input that arrives while a good deployment serves: it is refused with its reason, and nothing else notices.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../../crds/digest.ts';
import { modelDeployments, modelVersions } from '../../../crds/resources.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { eventually } from '../../support/eventually.ts';
import { type Factory, modelVersion, smallModel, startFactory } from '../../support/factory.ts';

const signal = AbortSignal.timeout(120_000);
const model = smallModel(1);
const files: Record<string, Uint8Array> = {
  good: model,
  cut: model.subarray(0, 4000),
  page: Buffer.from('<!DOCTYPE html><html></html>'),
};

describe('bad input beside a good deployment', () => {
  let factory: Factory;

  beforeAll(async () => {
    factory = await startFactory({ agents: [{ name: 'here', fetchArtifacts: true }] });
    for (const [name, bytes] of Object.entries(files)) await factory.store(name, bytes);
  });
  afterAll(() => factory.close());

  async function declare(name: string, digest: string, placement: object = { deviceClassNames: ['generic-x86-64'] }) {
    const metadata = { name, namespace: 'factory' };
    await factory.plane.client.create(modelVersions, modelVersion(name, digest), { signal });
    const spec = { modelVersionName: name, budget: { energyPerInference: '80mJ' }, placement };
    await factory.plane.client.create(
      modelDeployments,
      { apiVersion: 'jouleops.dev/v1alpha1', kind: 'ModelDeployment', metadata, spec },
      { signal },
    );
  }
  const get = (name: string) => factory.plane.client.get(modelDeployments, { namespace: 'factory', name }, { signal });
  const conditionOf = async (name: string, type: string) => findCondition((await get(name)).status?.conditions, type);

  it('is refused one by one, while the good one goes on serving under the same revision', async () => {
    await declare('good', digestOf(model));
    await eventually(async () => expect(await conditionOf('good', 'Ready')).toMatchObject({ status: 'True' }), 40);
    const before = await get('good');

    await declare('missing', digestOf(Buffer.from('nowhere')));
    await declare('cut', digestOf(files['cut'] ?? model));
    await declare('page', digestOf(files['page'] ?? model));
    for (const name of ['missing', 'cut', 'page'])
      await eventually(async () => {
        expect(await conditionOf(name, 'Ready')).toMatchObject({ status: 'False' });
        expect((await conditionOf(name, 'ModelResolved'))?.message).toContain(name);
      }, 30);

    await declare('elsewhere', digestOf(model), { deviceSelector: { matchLabels: { hall: 'nine' } } });
    await eventually(async () => {
      const placed = await conditionOf('elsewhere', 'Placed');
      expect(placed).toMatchObject({ status: 'False', reason: 'NoFeasibleDevice' });
      expect(placed?.message).toMatch(
        /no device matches placement\.deviceSelector hall=nine \(1 NotSelected\): correct .* or label /,
      );
    }, 30);

    const after = await get('good');
    expect(findCondition(after.status?.conditions, 'Ready')).toEqual(findCondition(before.status?.conditions, 'Ready'));
    expect(after.status?.currentRevision).toBe(before.status?.currentRevision);
    expect([...(factory.agents[0]?.fetched ?? [])]).toEqual([digestOf(model)]);
    expect((await fetch(`${factory.plane.controller.webUrl}/readyz`)).status).toBe(200);
  });
});
