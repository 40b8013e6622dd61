import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { generateTypes } from '../../../crds/generate.ts';
import { loadCustomResourceDefinitions } from '../../../crds/manifests.ts';

const definitions = await loadCustomResourceDefinitions();

test.each([...generateTypes(definitions)])('%s is what the definitions say: else run `npm run generate`', async (file, text) => {
  expect(await readFile(new URL(`../../../crds/${file}`, import.meta.url), 'utf8')).toBe(text);
});

test('one title for two shapes is refused, because one of them would get a wrong type', () => {
  const [first] = structuredClone(definitions.filter(({ spec }) => spec.names.kind === 'ModelDeployment'));
  const budget = first?.spec.versions[0]?.schema.openAPIV3Schema.properties?.['spec']?.properties?.['budget'];
  if (!first || !budget?.properties?.['windowSeconds']) throw new Error('ModelDeployment has no spec.budget.windowSeconds');
  budget.properties['windowSeconds'].maximum = 7;
  const others = definitions.filter(({ spec }) => spec.names.kind !== 'ModelDeployment');
  expect(() => generateTypes([first, ...others])).toThrow('the title Budget stands for two different shapes');
});
