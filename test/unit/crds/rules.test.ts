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
