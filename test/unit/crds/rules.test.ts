import { expect, test } from 'vitest';
import { loadCustomResourceDefinitions } from '../../../crds/manifests.ts';
import { compileKind } from '../../../standalone/schema/compile-kind.ts';
import { customKinds } from '../../../standalone/schema/custom-kind.ts';
import type { JsonObject } from '../../../standalone/schema/json.ts';
import { deploymentCases } from '../../support/crds/deployment-cases.ts';
import type { AnyObject } from '../../support/crds/objects.ts';
import { otherCases } from '../../support/crds/other-cases.ts';
import { comparable } from '../../support/crds/rule-case.ts';

const kinds = new Map(
  (await loadCustomResourceDefinitions()).flatMap(customKinds).map((kind) => [kind.kind, compileKind(kind)] as const),
);

function compiled(object: AnyObject) {
  const kind = kinds.get(object.kind);
  if (!kind) throw new Error(`no definition of kind ${object.kind}`);
  return kind;
}

/** As it arrives: JSON without undefined, with the defaults of its kind; an update names the version that it was made from. */
function received(object: AnyObject, isUpdate: boolean): JsonObject {
  const metadata = { ...object.metadata, ...(isUpdate ? { resourceVersion: '1' } : {}) };
  return compiled(object).default(JSON.parse(JSON.stringify({ ...object, metadata })) as JsonObject);
}

test.each([...deploymentCases, ...otherCases].map((rule) => [`${rule.object.kind}: ${rule.says}`, rule] as const))(
  '%s',
  (_says, { object, before, causes }) => {
    const isUpdate = before !== undefined;
    const found = compiled(object).validate(received(object, isUpdate), before && received(before, isUpdate));
    expect(comparable(found)).toEqual(comparable(causes));
  },
);

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema | boolean;
  'x-kubernetes-validations'?: { rule: string }[];
}

function rulesIn(schema: Schema): { rule: string }[][] {
  const { properties = {}, items, additionalProperties, 'x-kubernetes-validations': own } = schema;
  const below = [...Object.values(properties), items, additionalProperties].filter((one) => typeof one === 'object');
  return [...(own === undefined ? [] : [own]), ...below.flatMap(rulesIn)];
}

test('every rule is what some case is about: without it, one of them ends in another way', async () => {
  const definitions = await loadCustomResourceDefinitions();
  const cases = [...deploymentCases, ...otherCases];
  let count = 0;
  const idle: string[] = [];
  for (const [at, definition] of definitions.entries()) {
    const kind = definition.spec.names.kind;
    const own = cases.filter(({ object }) => object.kind === kind);
    const listsOf = (one: (typeof definitions)[number]) =>
      one.spec.versions.flatMap(({ schema }) => rulesIn(schema.openAPIV3Schema));
    for (const [list, rules] of listsOf(definition).entries()) {
      for (const [index, { rule }] of rules.entries()) {
        count += 1;
        const without = structuredClone(definitions[at]) as typeof definition;
        listsOf(without)[list]?.splice(index, 1);
        const [compiledKind] = customKinds(without).map(compileKind);
        const differs = own.some(({ object, before, causes }) => {
          const isUpdate = before !== undefined;
          const found = compiledKind?.validate(received(object, isUpdate), before && received(before, isUpdate)) ?? [];
          return JSON.stringify(comparable(found)) !== JSON.stringify(comparable(causes));
        });
        if (!differs) idle.push(`${kind}: ${rule}`);
      }
    }
  }
  expect(count).toBeGreaterThan(20);
  expect(idle).toEqual([]);
});
