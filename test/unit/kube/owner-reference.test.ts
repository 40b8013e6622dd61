import { expect, test } from 'vitest';
import { configMaps } from '../../../kube/api/builtins.ts';
import { controllerOf, controllerReference } from '../../../kube/meta/owner-reference.ts';
import { configMap } from '../../support/scripted-server.ts';

test('a child names the owner that reconciles it, and is found by it', () => {
  const owner = configMap('owner', '1');
  const reference = controllerReference(owner, configMaps);
  expect(reference).toEqual({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: 'owner',
    uid: 'uid-owner',
    controller: true,
    blockOwnerDeletion: true,
  });
  const child = configMap('child', '2');
  child.metadata.ownerReferences = [{ ...reference, uid: 'another', controller: false }, reference];
  expect(controllerOf(child)).toBe(reference);
  expect(controllerOf(owner)).toBeUndefined();
});
