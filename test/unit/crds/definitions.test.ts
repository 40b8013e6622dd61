import { describe, expect, test } from 'vitest';
import { deploymentConditions } from '../../../crds/conditions.ts';
import { loadCustomResourceDefinitions, type SchemaNode } from '../../../crds/manifests.ts';
import * as resources from '../../../crds/resources.ts';
import { energyPattern, powerPattern, ratePattern } from '../../../energy/units.ts';

const definitions = await loadCustomResourceDefinitions();

interface Node {
  path: string;
  schema: SchemaNode;
}

/** The schema and everything below it; apiVersion, kind and metadata are the server's. */
function walk(schema: SchemaNode, path: string): Node[] {
  const below = Object.entries(schema.properties ?? {})
    .filter(([key]) => path !== '' || key === 'spec' || key === 'status')
    .flatMap(([key, child]) => walk(child, `${path}.${key}`));
  const items = schema.items ? walk(schema.items, `${path}[]`) : [];
  const values = schema.additionalProperties ? walk(schema.additionalProperties, `${path}{}`) : [];
  return [{ path, schema }, ...below, ...items, ...values];
}

const nodes = definitions.flatMap(({ spec }) =>
  spec.versions.flatMap((version) =>
    walk(version.schema.openAPIV3Schema, '').map((node) => ({ ...node, path: `${spec.names.kind}${node.path}` })),
  ),
);
const pathsWhere = (wrong: (node: Node) => boolean) => nodes.filter(wrong).map(({ path }) => path);

describe('the definitions', () => {
  test('stand for the same resources as the descriptors', () => {
    const described = Object.values(resources).filter((value) => typeof value === 'object');
    const defined = definitions.map(({ spec }) => ({
      group: spec.group,
      version: spec.versions[0]?.name,
      kind: spec.names.kind,
      plural: spec.names.plural,
      namespaced: spec.scope === 'Namespaced',
    }));
    const byKind = (a: { kind: string }, b: { kind: string }) => (a.kind < b.kind ? -1 : 1);
    expect(defined.sort(byKind)).toEqual(described.sort(byKind));
  });

  test('explain every field', () => {
    const explained = ({ path, schema }: Node) => schema.description !== undefined || path.endsWith('[]') || path.endsWith('{}');
    expect(pathsWhere((node) => !explained(node))).toEqual([]);
  });

  test('bound every string', () => {
    expect(pathsWhere(({ schema }) => schema.type === 'string' && !schema.enum && schema.maxLength === undefined)).toEqual([]);
  });

  test('bound every list and say how it merges', () => {
    const unbounded = ({ schema }: Node) => schema.type === 'array' && !(schema.maxItems && schema['x-kubernetes-list-type']);
    expect(pathsWhere(unbounded)).toEqual([]);
  });

  test('bound every map', () => {
    expect(pathsWhere(({ schema }) => schema.additionalProperties !== undefined && !schema.maxProperties)).toEqual([]);
  });

  test('bound every number within what JavaScript can count', () => {
    const unbounded = ({ schema }: Node) =>
      schema.type === 'number' ||
      (schema.type === 'integer' &&
        (schema.minimum === undefined || schema.maximum === undefined || schema.maximum > Number.MAX_SAFE_INTEGER));
    expect(pathsWhere(unbounded)).toEqual([]);
  });

  test('say with every rule what is wrong, of which sort, and where', () => {
    const silent = ({ schema }: Node) =>
      (schema['x-kubernetes-validations'] ?? []).some(
        // The place of a rule on a list is the list.
        (rule) => !rule.message || !rule.reason || (schema.type === 'object' && !rule.fieldPath),
      );
    expect(pathsWhere(silent)).toEqual([]);
  });

  test('give no defaults in what the controller writes, so that what it reads back is what it wrote', () => {
    expect(pathsWhere(({ path, schema }) => path.startsWith('ModelInstance') && schema.default !== undefined)).toEqual([]);
  });

  test('separate status from spec, and group the kinds', () => {
    for (const { spec } of definitions) {
      expect(spec.names.categories).toEqual(['jouleops']);
      expect(spec.versions.map(({ subresources }) => subresources)).toEqual([{ status: {} }]);
    }
  });

  test('take amounts in the units that are read, and in no others', () => {
    const known = new Set([energyPattern, powerPattern, ratePattern]);
    const amounts = nodes.filter(({ path, schema }) => path.includes('.spec.') && /(Wh|kW|\/min)[|)]/.test(schema.pattern ?? ''));
    expect(amounts.length).toBeGreaterThan(10);
    expect(amounts.filter(({ schema }) => !known.has(schema.pattern ?? '')).map(({ path }) => path)).toEqual([]);
  });

  test('answer the question first: the columns of a deployment', () => {
    const deployment = definitions.find(({ spec }) => spec.names.kind === 'ModelDeployment');
    const columns = (deployment?.spec.versions[0]?.additionalPrinterColumns ?? []).filter(({ priority }) => !priority);
    expect(columns.map(({ name }) => name)).toEqual([
      'Model',
      'Desired',
      'Ready devices',
      'Predicted',
      'Measured',
      'Budget',
      'Verdict',
      'Ready',
      'Age',
    ]);
  });

  test('let people select the instances of a device', () => {
    const instance = definitions.find(({ spec }) => spec.names.kind === 'ModelInstance');
    expect(instance?.spec.versions[0]?.selectableFields).toEqual([{ jsonPath: '.spec.deviceName' }]);
  });

  test('have room for every condition', () => {
    const conditions = nodes.filter(({ path }) => path.endsWith('.status.conditions'));
    expect(conditions).toHaveLength(definitions.length);
    for (const { schema } of conditions) expect(schema.maxItems).toBeGreaterThanOrEqual(deploymentConditions.length);
  });
});
