// What nobody calls is not in the embedded server. That each named caller does call is shown by its own suite.
import { glob, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { loadCustomResourceDefinitions } from '../../../crds/manifests.ts';
import { createRegistry } from '../../../standalone/registry/registry.ts';
import { customKinds } from '../../../standalone/schema/custom-kind.ts';
import type { StructuralSchema } from '../../../standalone/schema/structural-schema.ts';
import { features } from '../../support/callers/features.ts';

const names = features.map(({ name }) => name).join('\n');
const registry = createRegistry((await loadCustomResourceDefinitions()).flatMap(customKinds));
const schemas = registry.kinds.map(({ compiled }) => compiled.definition.schema);

test('every feature of the embedded server names its caller', () => {
  expect(features.filter(({ callers }) => callers.length === 0).map(({ name }) => name)).toEqual([]);
});

test('every kind that is served is a feature', () => {
  const served = registry.kinds.map(({ compiled: { definition } }) =>
    definition.group === '' ? `kind ${definition.plural}` : `kind ${definition.plural}.${definition.group}`,
  );
  expect(
    features
      .map(({ name }) => name)
      .filter((name) => name.startsWith('kind '))
      .toSorted(),
  ).toEqual(served.toSorted());
});

test('every keyword, format and function of schemas is one that a kind uses, and none that a kind uses is missing', async () => {
  const source = (file: string) => readFile(new URL(`../../../standalone/schema/${file}`, import.meta.url), 'utf8');
  const interfaces = (await source('structural-schema.ts')).split(/^export /m);
  const members = (name: string) =>
    (interfaces.find((text) => text.startsWith(`interface ${name} `)) ?? '').match(/(?<=^ {2}'?)[\w-]+(?='?\??:)/gm) ?? [];
  const formats = (await source('validation/formats.ts')).match(/(?<=^ {2})\w+(?=:)/gm) ?? [];
  const functions = (await source('rules/cel-environment.ts')).match(/(?<=registerFunction\('\w+\.)\w+/g) ?? [];
  const used = usedIn(schemas);
  expect(members('StructuralSchema').toSorted()).toEqual([...used.keywords].toSorted());
  expect(members('ValidationRule').toSorted()).toEqual([...used.ofRules].toSorted());
  expect(formats.toSorted()).toEqual([...used.formats].toSorted());
  expect(functions.filter((name) => !used.rules.some((rule) => rule.includes(`.${name}(`)))).toEqual([]);
  expect(functions.length).toBeGreaterThan(0);
});

test('every option and media type that the sources read is part of a feature', async () => {
  const read: string[] = [];
  for await (const file of glob('standalone/**/*.ts')) {
    const text = await readFile(file, 'utf8');
    read.push(...(text.match(/(?<=query\.(?:get|getAll|has)\(')\w+/g) ?? []));
    read.push(...(text.match(/(?<=')application\/[\w.+-]+/g) ?? []));
  }
  expect(read.length).toBeGreaterThan(20);
  expect([...new Set(read)].filter((name) => !names.includes(name))).toEqual([]);
});

function usedIn(roots: readonly StructuralSchema[]) {
  const found = { keywords: new Set<string>(), ofRules: new Set<string>(), formats: new Set<string>(), rules: [] as string[] };
  const visit = (schema: StructuralSchema) => {
    for (const keyword of Object.keys(schema)) found.keywords.add(keyword);
    for (const rule of schema['x-kubernetes-validations'] ?? []) {
      for (const member of Object.keys(rule)) found.ofRules.add(member);
      found.rules.push(rule.rule);
    }
    if (schema.type === 'string' && schema.format !== undefined) found.formats.add(schema.format.replaceAll('-', ''));
    const { properties = {}, items, additionalProperties, anyOf = [] } = schema;
    for (const below of [...Object.values(properties), items, additionalProperties, ...anyOf])
      if (typeof below === 'object') visit(below);
  };
  for (const root of roots) visit(root);
  return found;
}
