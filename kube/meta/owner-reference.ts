import type { KubeObject, OwnerReference, Stored } from '../api/objects.ts';
import { apiVersionOf, type Resource } from '../api/resource.ts';

/** The owner that reconciles a child: the child goes when the owner goes. */
export function controllerReference<T extends KubeObject>(owner: Stored<T>, resource: Resource<T>): OwnerReference {
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true);
}
