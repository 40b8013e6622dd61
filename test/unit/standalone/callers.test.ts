// What nobody calls is not in the embedded server. That each named caller does call is shown by its own suite.
import { glob, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { loadCustomResourceDefinitions } from '../../../crds/manifests.ts';
import { createRegistry } from '../../../standalone/registry/registry.ts';
import { customKinds } from '../../../standalone/schema/custom-kind.ts';
import { features } from '../../support/callers/features.ts';

const names = features.map(({ name }) => name).join('\n');

test('every feature of the embedded server names its caller', () => {
  expect(features.filter(({ callers }) => callers.length === 0).map(({ name }) => name)).toEqual([]);
});

test('every kind that is served is a feature', async () => {
  const registry = createRegistry((await loadCustomResourceDefinitions()).flatMap(customKinds));
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
