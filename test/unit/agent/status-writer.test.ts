import { beforeEach, expect, it } from 'vitest';
import { StatusWriter } from '../../../agent/status/status-writer.ts';
import type { ModelInstance } from '../../../crds/model-instance.ts';
import { modelInstances } from '../../../crds/resources.ts';
import { ApiError } from '../../../kube/api/api-error.ts';
import type { Client, StatusOptions } from '../../../kube/api/client.ts';
import type { Stored } from '../../../kube/api/objects.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../support/silent-logger.ts';

const signal = new AbortController().signal;
let stored: Stored<ModelInstance> | undefined;
let calls: string[];
let writer: StatusWriter;

function instance(uid: string, resourceVersion: string): Stored<ModelInstance> {
  return {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'ModelInstance',
    metadata: { name: 'a', namespace: 'n', uid, resourceVersion, generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { deviceName: 'd', deploymentName: 'm', deploymentUid: 'u' },
  };
}

function failure(status: number, reason: string): ApiError {
  return new ApiError({ status, reason, message: reason });
}

beforeEach(() => {
  stored = instance('first', '5');
  calls = [];
  // A status door: it looks at the version, never at the uid.
  const client = {
    applyStatus: async (_: unknown, __: unknown, options: StatusOptions) => {
      calls.push(`apply at ${options.resourceVersion ?? 'any'}`);
      if (!stored) throw failure(404, 'NotFound');
      const { uid, resourceVersion } = stored.metadata;
      if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) throw failure(409, 'Conflict');
      stored = instance(uid, String(Number(resourceVersion) + 1));
      return stored;
    },
    get: async () => {
      calls.push('get');
      if (!stored) throw failure(404, 'NotFound');
      return stored;
    },
  } as Pick<Client, 'applyStatus' | 'get'>;
  writer = new StatusWriter({ client, clock: new FakeClock(), logger: silentLogger, keep: async () => undefined });
  writer.saw(modelInstances, stored);
});

const write = (phase: 'Loading' | 'Serving') =>
  writer.write(modelInstances, { metadata: { namespace: 'n', name: 'a', uid: 'first' }, status: { phase } }, signal);

it('writes an instance by the version that it saw last, its own writes included', async () => {
  expect(await write('Loading')).toBe('written');
  expect(await write('Serving')).toBe('written');
  expect(calls).toEqual(['apply at 5', 'apply at 6']);
});

it('reads an instance that somebody else wrote, and says it again', async () => {
  stored = instance('first', '9');
  expect(await write('Loading')).toBe('written');
  expect(calls).toEqual(['apply at 5', 'get', 'apply at 9']);
});

it('says nothing of an instance to another that took its place', async () => {
  stored = instance('second', '9');
  expect(await write('Loading')).toBe('gone');
  expect(calls).toEqual(['apply at 5', 'get']);
  expect(stored.metadata.resourceVersion).toBe('9');
});

it('tells what took its place nothing at the next look either, nor when it comes after the object was gone', async () => {
  stored = instance('second', '9');
  expect(await write('Loading')).toBe('gone');
  expect(await write('Serving')).toBe('gone');
  expect(stored.metadata.resourceVersion).toBe('9');
  stored = undefined;
  expect(await write('Serving')).toBe('gone');
  stored = instance('third', '12');
  expect(await write('Serving')).toBe('gone');
  expect(stored.metadata.resourceVersion).toBe('12');
  expect(calls).not.toContain('apply at any');
});

it('gives up an instance that is gone', async () => {
  stored = undefined;
  expect(await write('Loading')).toBe('gone');
});

it('forgets what it said of objects that are not its own any more', async () => {
  expect(await write('Loading')).toBe('written');
  writer.keepOnly(new Set(['first']));
  expect(await write('Loading')).toBe('nothingNew');
  writer.keepOnly(new Set(['second']));
  expect(await write('Loading')).toBe('written');
  expect(calls).toEqual(['apply at 5', 'apply at any']);
});
