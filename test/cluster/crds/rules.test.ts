import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as resources from '../../../crds/resources.ts';
import { ApiError, isNotFound } from '../../../kube/api/api-error.ts';
import type { Client } from '../../../kube/api/client.ts';
import { createClient } from '../../../kube/api/http-client.ts';
import type { Resource } from '../../../kube/api/resource.ts';
import { sharedControlPlane } from '../../support/control-plane/shared.ts';
import { deploymentCases } from '../../support/crds/deployment-cases.ts';
import type { AnyObject } from '../../support/crds/objects.ts';
import { otherCases } from '../../support/crds/other-cases.ts';
import { comparable, type RuleCase } from '../../support/crds/rule-case.ts';

const plane = sharedControlPlane();
const signal = AbortSignal.timeout(110_000);

function resourceOf(object: AnyObject): Resource<AnyObject> {
  const found = Object.values(resources).find((value) => typeof value === 'object' && value.kind === object.kind);
  if (typeof found !== 'object') throw new Error(`no resource of kind ${object.kind}`);
  return { ...found, kind: found.kind };
}

describe.skipIf(plane === undefined)('a real API server and the rules of our kinds', () => {
  let client: Client;
  beforeAll(() => {
    client = createClient(plane?.admin ?? { server: '' });
  });
  afterAll(() => client.close());

  async function refusals(write: () => Promise<unknown>): Promise<string[]> {
    try {
      await write();
      return [];
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 422) throw error;
      return comparable(error.details?.causes ?? []);
    }
  }

  async function attempt({ before, object }: RuleCase): Promise<string[]> {
    const resource = resourceOf(object);
    if (!before) return refusals(() => client.create(resource, object, { dryRun: true, signal }));
    const { metadata } = await client.create(resource, before, { signal });
    try {
      const changed = { ...object, metadata: { ...object.metadata, resourceVersion: metadata.resourceVersion } };
      return await refusals(() => client.replace(resource, changed, { dryRun: true, signal }));
    } finally {
      await client.delete(resource, metadata, { signal }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    }
  }

  test.each([...deploymentCases, ...otherCases].map((rule) => [`${rule.object.kind}: ${rule.says}`, rule] as const))(
    '%s',
    async (_says, rule) => {
      expect(await attempt(rule)).toEqual(comparable(rule.causes));
    },
  );
});
