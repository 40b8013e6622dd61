import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fieldManagers } from '../../../crds/names.ts';
import { fleetRepositories, modelDeployments } from '../../../crds/resources.ts';
import { isNotFound } from '../../../kube/api/api-error.ts';
import { namespaces } from '../../../kube/api/builtins.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { startControlPlane, type TestControlPlane } from '../../support/controller.ts';
import { eventually } from '../../support/eventually.ts';

const signal = AbortSignal.timeout(120_000);
const deployment = (name: string, budget = '80mJ', more = '') =>
  `apiVersion: jouleops.dev/v1alpha1\nkind: ModelDeployment\nmetadata: { name: ${name}, namespace: factory }\nspec:\n  modelVersionName: m\n  budget:\n    energyPerInference: ${budget}\n  placement: {}\n${more}`;

describe('a fleet directory', () => {
  let plane: TestControlPlane;
  let directory: string;
  const write = (name: string, text: string) => writeFile(path.join(directory, name), text);
  const repository = () => plane.client.get(fleetRepositories, { namespace: 'default', name: 'fleet' }, { signal });
  const get = (name: string) => plane.client.get(modelDeployments, { namespace: 'factory', name }, { signal });

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-fleet-'));
    plane = await startControlPlane({ fleet: { allowPaths: true } });
    await write('00.yaml', 'apiVersion: v1\nkind: Namespace\nmetadata: { name: factory }\n');
    await write('one.yaml', deployment('one'));
    await plane.client.apply(
      fleetRepositories,
      { metadata: { namespace: 'default', name: 'fleet' }, spec: { path: directory, prune: true } },
      { signal, fieldManager: 'test' },
    );
  });
  afterAll(async () => {
    await plane.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('is applied, with its namespace first', async () => {
    await eventually(async () => {
      expect(findCondition((await repository()).status?.conditions, 'Ready')).toMatchObject({
        status: 'True',
        reason: 'ReconciliationSucceeded',
      });
    });
    expect((await get('one')).spec.budget.energyPerInference).toBe('80mJ');
    expect((await repository()).status?.inventory?.map((entry) => entry.id)).toEqual([
      '_factory__Namespace',
      'factory_one_jouleops.dev_ModelDeployment',
    ]);
  });

  it('follows a change within seconds', async () => {
    await write('one.yaml', deployment('one', '70mJ'));
    await eventually(async () => expect((await get('one')).spec.budget.energyPerInference).toBe('70mJ'), 5);
  });

  it.each([
    [
      'a budget without a unit',
      deployment('two', '80'),
      7,
      'energyPerInference: 80 has no unit: write it with its unit, for example 80mJ',
    ],
    ['a quoted budget without a unit', deployment('two', '"81"'), 7, 'energyPerInference: 81 has no unit'],
    ['a negative budget', deployment('two', '-1mJ'), 7, 'energyPerInference: -1mJ is not more than zero'],
    ['a zero budget', deployment('two', '0mJ'), 7, 'energyPerInference: 0mJ is not more than zero'],
    ['an unknown field', deployment('two', '80mJ', '  colour: red\n'), 9, 'spec.colour is not a field of ModelDeployment'],
  ])('reports %s with its line, and goes on with the other files', async (_, text, line, says) => {
    await write('two.yaml', text);
    await write('three.yaml', deployment('three', `${line}${text.length}mJ`));
    await eventually(async () => {
      const { status } = await repository();
      expect(status?.errors?.[0]).toMatchObject({ file: 'two.yaml', line, message: expect.stringContaining(says) as string });
      expect(status?.errors?.[0]?.column).toBeGreaterThan(1);
      expect(findCondition(status?.conditions, 'Ready')).toMatchObject({ status: 'False', reason: 'BuildFailed' });
      expect((await get('three')).spec.budget.energyPerInference).toBe(`${line}${text.length}mJ`);
    });
    await expect(get('two')).rejects.toSatisfy(isNotFound);
  });

  it('prunes what is no longer declared, but not what is protected', async () => {
    await write('two.yaml', deployment('two').replace('name: two,', 'name: two, annotations: { jouleops.dev/prune: disabled },'));
    await eventually(async () => {
      expect(findCondition((await repository()).status?.conditions, 'Ready')?.status).toBe('True');
      expect((await get('two')).metadata.annotations).toEqual({ 'jouleops.dev/prune': 'disabled' });
    });
    await rm(path.join(directory, 'two.yaml'));
    await rm(path.join(directory, 'three.yaml'));
    await eventually(async () => await expect(get('three')).rejects.toSatisfy(isNotFound));
    expect((await get('two')).metadata.name).toBe('two');
  });

  it('sets back what others change, and says whose value it was', async () => {
    await plane.client.apply(
      modelDeployments,
      { metadata: { namespace: 'factory', name: 'one' }, spec: { budget: { energyPerInference: '5J' } } },
      { signal, fieldManager: 'somebody', force: true },
    );
    const asked = (value: string) =>
      plane.client.patch(
        fleetRepositories,
        { namespace: 'default', name: 'fleet' },
        { kind: 'merge', body: { metadata: { annotations: { 'jouleops.dev/requestedAt': value } } } },
        { signal, fieldManager: fieldManagers.cli },
      );
    await asked('now');
    await eventually(async () => {
      expect((await get('one')).spec.budget.energyPerInference).toBe('70mJ');
      expect((await repository()).status?.lastHandledReconcileAt).toBe('now');
    });
    await eventually(async () => {
      const response = await fetch(`${plane.controller.webUrl}/api/events`);
      const { items } = (await response.json()) as { items: { reason: string; note: string }[] };
      expect(items.find((event) => event.reason === 'DriftCorrected')?.note).toContain('somebody');
    });
  });

  it('leaves alone what says so: applied once with IfNotPresent, never with Ignore', async () => {
    const opted = (policy: string, name: string, budget: string) =>
      deployment(name, budget).replace(
        'namespace: factory }',
        `namespace: factory, annotations: { jouleops.dev/ssa: ${policy} } }`,
      );
    const applied = (revision: string | undefined) =>
      eventually(async () => {
        const { status } = await repository();
        expect(findCondition(status?.conditions, 'Ready')?.status).toBe('True');
        expect(status?.lastAppliedRevision).not.toBe(revision);
        return status?.lastAppliedRevision;
      });
    const before = (await repository()).status?.lastAppliedRevision;
    await write('once.yaml', opted('IfNotPresent', 'once', '10mJ'));
    await write('never.yaml', opted('Ignore', 'never', '10mJ'));
    await eventually(async () => expect((await get('once')).spec.budget.energyPerInference).toBe('10mJ'));
    const first = await applied(before);
    await write('once.yaml', opted('IfNotPresent', 'once', '20mJ'));
    await applied(first);
    expect((await get('once')).spec.budget.energyPerInference).toBe('10mJ');
    await expect(get('never')).rejects.toSatisfy(isNotFound);
    await rm(path.join(directory, 'once.yaml'));
    await rm(path.join(directory, 'never.yaml'));
    await eventually(() => expect(get('once')).rejects.toSatisfy(isNotFound));
  });

  it('never takes everything away because the directory is empty', async () => {
    await rm(path.join(directory, 'one.yaml'));
    await rm(path.join(directory, '00.yaml'));
    await eventually(async () =>
      expect(findCondition((await repository()).status?.conditions, 'Ready')).toMatchObject({
        status: 'False',
        reason: 'BuildFailed',
      }),
    );
    expect((await get('one')).metadata.name).toBe('one');
    expect((await plane.client.get(namespaces, { name: 'factory' }, { signal })).metadata.name).toBe('factory');
  });

  it('does nothing while it is suspended, and says so', async () => {
    await write('00.yaml', 'apiVersion: v1\nkind: Namespace\nmetadata: { name: factory }\n');
    await write('one.yaml', deployment('one'));
    await eventually(async () => expect(findCondition((await repository()).status?.conditions, 'Ready')?.status).toBe('True'));
    const suspend = (value: boolean) =>
      plane.client.patch(
        fleetRepositories,
        { namespace: 'default', name: 'fleet' },
        { kind: 'merge', body: { spec: { suspend: value } } },
        { signal, fieldManager: fieldManagers.cli },
      );
    const { metadata } = await suspend(true);
    await eventually(async () => {
      const { status } = await repository();
      expect(status?.observedGeneration).toBe(metadata.generation);
      expect(status?.conditions?.map(({ type, status: is }) => `${type}=${is}`)).toEqual(['Ready=True', 'Suspended=True']);
    });
    await write('one.yaml', deployment('one', '60mJ'));
    await suspend(false);
    await eventually(async () => expect((await get('one')).spec.budget.energyPerInference).toBe('60mJ'));
    await eventually(async () => expect(findCondition((await repository()).status?.conditions, 'Suspended')).toBeUndefined());
  });
});
