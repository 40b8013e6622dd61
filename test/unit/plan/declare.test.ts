// What manifests make of a fleet without a server; the same words as the API server's where they are refused.
import { beforeAll, describe, expect, it } from 'vitest';
import { type Declaration, declare } from '../../../cli/plan/declare.ts';
import { compilePlanKinds, type ObjectsById, type PlanKinds } from '../../../cli/plan/plan-kinds.ts';
import { readManifests } from '../../../controller/fleet/manifest.ts';
import type { JsonObject } from '../../../standalone/schema/json.ts';
import { deploymentYaml, deviceYaml, nasCellYaml } from '../../support/plan/fleet-files.ts';

const none: ObjectsById = new Map();
const cellId = 'factory_cell_jouleops.dev_ModelDeployment';

describe('manifests of a plan', () => {
  let kinds: PlanKinds;
  beforeAll(async () => {
    kinds = await compilePlanKinds();
  });

  const make = (files: Record<string, string>, more: Partial<Declaration> = {}) => {
    const { objects, errors } = readManifests(
      Object.entries(files).map(([path, text]) => ({ path, text })),
      { namespace: 'factory' },
    );
    return declare(kinds, {
      underneath: none,
      previous: none,
      manifests: objects,
      errors,
      declaredBefore: new Set(),
      prune: true,
      creationTimestamp: '2026-11-21T00:00:00Z',
      ...more,
    });
  };
  const spec = (object: JsonObject | undefined) => object?.['spec'] as JsonObject;

  it('are completed by defaults, and stamped as the API server would', () => {
    const { objects, errors } = make({ 'cell.yaml': deploymentYaml('cell') });
    expect(errors).toEqual([]);
    expect(objects.get(cellId)).toMatchObject({
      metadata: { generation: 1, uid: 'planned-ModelDeployment-factory-cell' },
      spec: { budget: { powerBasis: 'Marginal' } },
    });
  });

  it('that break a rule are refused with file, line and column, and what was there stays', () => {
    const good = make({ 'cell.yaml': deploymentYaml('cell') });
    const bad = make(
      {
        'cell.yaml': deploymentYaml('cell', { budget: '80' }),
        'field.yaml': deploymentYaml('field').replace('placement:', 'placment:'),
      },
      { previous: good.objects, declaredBefore: good.declared },
    );
    expect(bad.errors).toMatchObject([
      { file: 'cell.yaml', line: 6, message: expect.stringContaining('80 has no unit') as string },
      {
        file: 'field.yaml',
        line: 8,
        message: expect.stringContaining('spec.placment is not a field of ModelDeployment') as string,
      },
    ]);
    expect(bad.objects.get(cellId)).toEqual(good.objects.get(cellId));
  });

  it('may not change what may not change', () => {
    const good = make({ 'model.yaml': nasCellYaml('nas-cell-1') });
    const other = make(
      { 'model.yaml': nasCellYaml('nas-cell-1', `sha256:${'b'.repeat(64)}`) },
      { previous: good.objects, declaredBefore: good.declared },
    );
    expect(other.errors).toMatchObject([
      { file: 'model.yaml', message: expect.stringMatching(/immutable|may not change/i) as string },
    ]);
  });

  it('that are gone take their objects along, unless those are protected, pruning is off, or a file cannot be read', () => {
    const kept = deploymentYaml('kept', { annotations: 'jouleops.dev/prune: disabled' });
    const first = make({ 'cell.yaml': deploymentYaml('cell'), 'kept.yaml': kept });
    const then = (files: Record<string, string>, prune = true) =>
      [...make(files, { previous: first.objects, declaredBefore: first.declared, prune }).objects.keys()].map(
        (id) => id.split('_')[1],
      );
    expect(then({})).toEqual(['kept']);
    expect(then({}, false)).toEqual(['cell', 'kept']);
    expect(then({ 'broken.yaml': 'a: [' })).toEqual(['cell', 'kept']);
  });

  it('are laid over what the cluster holds: fields of others stay, those that were declared once and are not any more go', () => {
    const underneath: ObjectsById = new Map(
      [...make({ 'pi.yaml': deviceYaml('pi', 'raspberry-pi-5', ', powerCap: 6W') }).objects].map(([id, object]) => [
        id,
        { ...object, status: { agentVersion: '0.1.0' } },
      ]),
    );
    const { objects } = make({ 'pi.yaml': deviceYaml('pi', 'raspberry-pi-4') }, { underneath, previous: underneath });
    const [pi] = objects.values();
    expect(spec(pi)).toEqual({ deviceClassName: 'raspberry-pi-4', powerCap: '6W' });
    expect(pi?.['status']).toEqual({ agentVersion: '0.1.0' });

    const applied = new Map(
      [...underneath].map(([id, object]) => [
        id,
        {
          ...object,
          metadata: {
            ...(object['metadata'] as JsonObject),
            managedFields: [
              {
                manager: 'jouleops-fleet',
                operation: 'Apply',
                apiVersion: 'jouleops.dev/v1alpha1',
                time: '2026-11-20T00:00:00Z',
                fieldsType: 'FieldsV1',
                fieldsV1: { 'f:spec': { 'f:deviceClassName': {}, 'f:powerCap': {} } },
              },
            ],
          },
        },
      ]),
    );
    const [own] = make(
      { 'pi.yaml': deviceYaml('pi', 'raspberry-pi-4') },
      { underneath: applied, previous: applied },
    ).objects.values();
    expect(spec(own)).toEqual({ deviceClassName: 'raspberry-pi-4' });
  });

  it('that opt out of being applied leave what is there', () => {
    const there = make({ 'cell.yaml': deploymentYaml('cell') }).objects;
    const ignored = deploymentYaml('cell', { budget: '99mJ', annotations: 'jouleops.dev/ssa: Ignore' });
    const { objects } = make({ 'cell.yaml': ignored }, { underneath: there, previous: there });
    expect(objects.get(cellId)).toEqual(there.get(cellId));
    expect(make({ 'cell.yaml': ignored }).objects.size, 'the controller never makes it').toBe(0);
    const once = deploymentYaml('cell', { annotations: 'jouleops.dev/ssa: IfNotPresent' });
    expect(make({ 'cell.yaml': once }).objects.size, 'it is made once').toBe(1);
  });
});
